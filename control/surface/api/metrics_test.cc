#include "control/surface/api/metrics.h"

#include <nlohmann/json.hpp>

#include "tests/support/gtest.h"

namespace fulcrum::api {
namespace {

using nlohmann::json;

TEST(Metrics, TellLimitsOfThoseThatHaveOne) {
  const json limit{{"connections", 7}, {"max", 9}, {"low", 6}, {"is_full", true}};
  const json farms{{"farms", {{{"name", "shop"}, {"limit", limit}, {"servers_full", 2}}, {{"name", "mail"}}}}};
  const json server{{"farm", "shop"},    {"name", "web1"}, {"address", "10.1.1.11"},
                    {"protocol", "tcp"}, {"port", 80},     {"limit", json(limit)}};
  const std::string text = metrics_text(farms, {{"servers", {server}}}, json::object(), json::object());
  for (const char* line :
       {"fulcrum_farm_servers_full{farm=\"shop\"} 2\n", "fulcrum_farm_limit_connections{farm=\"shop\"} 7\n",
        "fulcrum_farm_limit_max{farm=\"shop\"} 9\n", "fulcrum_farm_full{farm=\"shop\"} 1\n",
        "fulcrum_server_full{farm=\"shop\",server=\"web1\",address=\"10.1.1.11\",protocol=\"tcp\",port=\"80\"} 1\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  EXPECT_EQ(text.find("fulcrum_farm_full{farm=\"mail\"}"), std::string::npos);
}

}  // namespace
}  // namespace fulcrum::api
