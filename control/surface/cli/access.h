// What the console does about access: the first account, a forgotten password, a lock-out, allowed hosts that allow
// nobody, and the audit log's chain. All of it are operations of the REST API, asked for over the local socket.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace fulcrum::cli {

inline constexpr const char* kAccessHelp =
    "       fulcrum access setup [NAME]      first account, or a new password for it (asks; default name admin)\n"
    "       fulcrum access unlock NAME       forget wrong passwords\n"
    "       fulcrum access rescue            any host may connect for 30 minutes; ends all lock-outs\n"
    "       fulcrum audit verify             check the audit log's chain\n"
    "       fulcrum api METHOD PATH [JSON]   any operation of the REST API, as root\n";

bool is_access_command(const std::vector<std::string>& words);
// The exit status: 0 good, 1 failed, 2 wrong usage, 4 no such object. Words are those after the program's name.
int run_access_command(const std::vector<std::string>& words, const std::string& runtime_dir,
                       std::chrono::seconds patience);

}  // namespace fulcrum::cli
