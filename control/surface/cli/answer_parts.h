// What a JSON answer has under a key, for pages that show it to a person: whatever is missing is shown as "-", or as
// nothing, so that an answer of an older or newer control still makes a page.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace fulcrum::cli {

// As a person reads it, nothing in it that steers a terminal or breaks a line; `otherwise` where there is none. Any
// thread, as all of these.
std::string text_in(const nlohmann::json& row, const char* key, const char* otherwise = "-");
// null where there is none.
const nlohmann::json& part_in(const nlohmann::json& row, const char* key);
// 0 where there is none.
std::int64_t signed_in(const nlohmann::json& row, const char* key);
// 0 where there is none or it is negative.
std::uint64_t count_in(const nlohmann::json& row, const char* key);
// false where there is none.
bool flag_in(const nlohmann::json& row, const char* key);

// What somebody typed as a list: words with blanks or commas between them.
std::vector<std::string> listed_words(const std::string& text);

// The digits of a word that was accepted as a number.
std::int64_t number_of(const std::string& word);

}  // namespace fulcrum::cli
