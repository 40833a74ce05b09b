// TLS for the management address: versions 1.2 (with AEAD and forward secrecy only) and 1.3, no renegotiation, no
// compression, no session tickets, so that a key that leaks tomorrow opens nothing recorded today.
//
// The certificate is the administrator's, from two PEM files, or one that the box makes itself at its first start:
// ECDSA P-256, signed by itself, for the machine's name and the addresses it is reached at. It is made again in its
// last month, or when the addresses change.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/base/result.h"

namespace boost::asio::ssl {
class context;
}

namespace fulcrum::https {

struct TlsContext {
  std::shared_ptr<boost::asio::ssl::context> context;
  std::string fingerprint;                          // SHA-256 of the certificate, "AB:CD:..."
  std::string subject;                              // in words
  std::chrono::system_clock::time_point not_after;  // its end
};

struct OwnCertificate {
  std::string certificate_file, key_file;
  std::string host_name;
  std::vector<std::string> addresses;
};

// Makes the files if they are missing, end within a month, or do not name the host and addresses. Errors: io.
Result<void> keep_own_certificate(const OwnCertificate& wish, std::chrono::system_clock::time_point now);
// Errors, with the file at fault as path: it cannot be read, is no plain file, is no PEM, the two do not belong
// together, or the key is too weak (RSA below 2048 bits).
Result<std::shared_ptr<TlsContext>> load_tls(const std::string& certificate_file, const std::string& key_file);

}  // namespace fulcrum::https
