// libFuzzer target of what is typed: a line in both modes, its completion, and the same bytes as keys of a terminal.
//
// What must hold: nothing crashes; a line that can be carried out can be completed without trouble up to there; what a
// completion extends a word to begins with the word; the editor's line is clean text of a bounded length, its output no
// more than some bytes for each key.
#include <cstddef>
#include <cstdint>

#include "control/model/model.h"
#include "control/surface/cli/commands.h"
#include "control/surface/cli/editor.h"
#include "control/surface/cli/fake_names.h"
#include "dataplane/base/invariant.h"

namespace fulcrum::cli {
namespace {

void try_line(const std::string& text, const std::vector<Command>& commands, const char* place) {
  FakeNames names;
  const Grammar grammar{commands, *model::description().shape(), *document::parse_path(place), names};
  const auto parsed = parse(text, grammar);
  if (!parsed) {
    FULCRUM_ASSERT(!parsed.error().text.empty());
    FULCRUM_ASSERT(parsed.error().status != Status::good);
    FULCRUM_ASSERT(parsed.error().column.value_or(0) <= text.size() + 1);
  } else if (parsed->command != nullptr) {
    FULCRUM_ASSERT(parsed->command->run != nullptr);
  }
  const Completion completion = complete(text, grammar);
  FULCRUM_ASSERT(completion.begin <= text.size());
  if (completion.trouble) return;
  FULCRUM_ASSERT(completion.extended.starts_with(completion.word));
}

void try_words(const std::string& text) {
  const auto line = split("x " + typed(text));
  if (!line) return;
  FULCRUM_ASSERT(line->command().size() == 2);
  FULCRUM_ASSERT(line->command()[1].text == text);
}

void try_keys(const std::string& text) {
  constexpr std::size_t kColumns = 80;
  Editor editor;
  std::string out;
  editor.begin("lb1> ", kColumns, out);
  editor.remember("show farms");
  for (const char key : text) {
    const std::size_t before = editor.text().size();
    out.clear();
    const auto event = editor.feed(key, out);
    editor.show(out);
    FULCRUM_ASSERT(out.size() <= 16 * kColumns);
    FULCRUM_ASSERT(is_clean(editor.text()));
    FULCRUM_ASSERT(editor.text().size() <= kLineMax);
    FULCRUM_ASSERT(before <= kLineMax);
    if (event != Editor::Event::line && event != Editor::Event::too_long) continue;
    editor.remember(editor.text());
    editor.begin("lb1> ", kColumns, out);
  }
}

}  // namespace
}  // namespace fulcrum::cli

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fulcrum::cli;
  const std::string text(reinterpret_cast<const char*>(data), size);
  try_line(text, operational_commands(), "");
  try_line(text, configuration_commands(), "farms.shop");
  try_words(text);
  try_keys(text);
  return 0;
}
