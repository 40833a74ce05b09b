// libFuzzer target of the way from a file's text to a validated model.
//
// What must hold: a model or problems, never both missing; every problem is one printable line; reading the same text
// again gives the same; a model that was judged good is judged good again without the file's lines; no syntax error
// gets as far as libconfig, which leaks memory on some.
#include <algorithm>
#include <string_view>

#include "control/validate/validate.h"
#include "dataplane/base/invariant.h"

namespace fulcrum {
namespace {

bool is_one_line(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char letter) {
    const auto code = static_cast<unsigned char>(letter);
    return code >= 0x20 && code != 0x7F;
  });
}

void judge(std::string_view text) {
  const LoadedModel loaded = load_model_text(text, "fuzz.cfg");
  const LoadedModel again = load_model_text(text, "fuzz.cfg");
  FULCRUM_ASSERT(loaded.problems.size() == again.problems.size());
  FULCRUM_ASSERT(loaded.problems.size() <= 2 * settings::kProblemsMax);
  for (std::size_t i = 0; i < loaded.problems.size(); ++i) {
    const std::string words = loaded.problems[i].words();
    FULCRUM_ASSERT(words == again.problems[i].words());
    FULCRUM_ASSERT(is_one_line(words));
    FULCRUM_ASSERT(!loaded.problems[i].text.empty());
    FULCRUM_ASSERT(words.size() < 1000);
    FULCRUM_ASSERT(!loaded.problems[i].text.starts_with("libconfig"));
  }
  if (!loaded.problems.empty()) return;
  FULCRUM_ASSERT(loaded.model == again.model);
  FULCRUM_ASSERT(!loaded.model.ports.empty());
  FULCRUM_ASSERT(validate(loaded.model, settings::Sources{}).empty());
}

}  // namespace
}  // namespace fulcrum

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fulcrum::judge({reinterpret_cast<const char*>(data), size});
  return 0;
}
