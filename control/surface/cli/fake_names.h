// For tests: a box with two farms.
#pragma once

#include "control/surface/cli/setting_walk.h"

namespace fulcrum::cli {

class FakeNames final : public Names {
 public:
  std::vector<Hint> elements(const document::Path& path) override {
    if (document::text_of(path) == "farms") return farms();
    if (document::text_of(path) == "farms.shop.servers") return servers("shop");
    return {};
  }
  std::vector<Hint> farms() override { return {{"shop", "", true}, {"mail", "", true}}; }
  std::vector<Hint> servers(const std::string& farm) override {
    if (farm == "mail") return {{"mx1", "", true}};
    return {{"web1", "", true}, {"web2", "", true}};
  }
  std::vector<Hint> members() override {
    return {{"shop/web1", "", true}, {"shop/web2", "", true}, {"mail/mx1", "", true}};
  }
};

}  // namespace fulcrum::cli
