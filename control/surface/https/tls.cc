#include "control/surface/https/tls.h"

#include <boost/asio/ssl/context.hpp>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

#include "control/files/files.h"
#include "dataplane/base/address.h"

namespace fulcrum::https {
namespace {

namespace ssl = boost::asio::ssl;
using std::chrono::system_clock;

constexpr int kLifetimeDays = 825;  // the longest that all browsers accept
constexpr int kRenewDays = 30;
constexpr std::size_t kPemMax = 1U << 20U;
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";

template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Memory = std::unique_ptr<BIO, Freed<BIO_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;

// The newest complaint of OpenSSL, in its words.
std::string ssl_words() {
  std::array<char, 256> text{};
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown reason";
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

std::string text_of(BIO* memory) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(memory, &data);
  return {data, static_cast<std::size_t>(length)};
}

// Browsers look at the alternative names only (RFC 6125 6.4.4).
std::string alternative_names(const OwnCertificate& wish) {
  std::string names = "DNS:" + wish.host_name;
  for (const std::string& address : wish.addresses) names += ",IP:" + address;
  return names;
}

bool add_extension(X509* certificate, int kind, const std::string& value) {
  const Extension extension{X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str())};
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

Certificate make_certificate(const OwnCertificate& wish, EVP_PKEY* key, system_clock::time_point now) {
  Certificate made{X509_new()};
  X509* certificate = made.get();
  bool good = certificate != nullptr && X509_set_version(certificate, X509_VERSION_3) == 1;
  BIGNUM* serial = BN_new();
  good = good && BN_rand(serial, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1;
  good = good && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(serial);
  const std::time_t from = system_clock::to_time_t(now - std::chrono::hours{1});  // a clock may be a little behind
  good = good && ASN1_TIME_set(X509_getm_notBefore(certificate), from) != nullptr;
  const std::time_t to = from + std::time_t{kLifetimeDays - 1} * 86400;
  good = good && ASN1_TIME_set(X509_getm_notAfter(certificate), to) != nullptr;
  good = good && X509_set_pubkey(certificate, key) == 1;
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto put = [&](const char* what, const std::string& value) {
    return X509_NAME_add_entry_by_txt(name, what, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.c_str()),
                                      -1, -1, 0) == 1;
  };
  good = good && put("O", "Fulcrum") && put("CN", wish.host_name) && X509_set_issuer_name(certificate, name) == 1;
  good = good && add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE");
  good = good && add_extension(certificate, NID_key_usage, "critical,digitalSignature");
  good = good && add_extension(certificate, NID_ext_key_usage, "serverAuth");
  good = good && add_extension(certificate, NID_subject_alt_name, alternative_names(wish));
  good = good && X509_sign(certificate, key, EVP_sha256()) > 0;
  return good ? std::move(made) : nullptr;
}

bool names_all(X509* certificate, const OwnCertificate& wish) {
  if (X509_check_host(certificate, wish.host_name.c_str(), 0, 0, nullptr) != 1) return false;
  for (const std::string& address : wish.addresses) {
    if (X509_check_ip_asc(certificate, address.c_str(), 0) != 1) return false;
  }
  return true;
}

// Of a pipe or a device reading might never end.
Result<void> is_plain_file(const std::string& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    return fail(Error::Code::not_found, file, "there is no such file");
  }
  if (error) return fail(Error::Code::io, file, "cannot be read: " + error.message());
  if (status.type() != std::filesystem::file_type::regular) return fail(Error::Code::invalid, file, "is no plain file");
  if (::access(file.c_str(), R_OK) != 0) return fail(Error::Code::io, file, "cannot be read: " + errno_words(errno));
  return {};
}

Result<Certificate> read_certificate(const std::string& file) {
  const auto text = files::read(file, kPemMax);
  if (!text) return tl::unexpected<Error>{text.error()};
  if (!*text) return fail(Error::Code::not_found, file, "there is no such file");
  const Memory memory{BIO_new_mem_buf((*text)->data(), static_cast<int>((*text)->size()))};
  Certificate certificate{PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr)};
  if (certificate == nullptr) return fail(Error::Code::invalid, file, "is no PEM certificate: " + ssl_words());
  return certificate;
}

system_clock::time_point end_of(X509* certificate) {
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return {};
  return system_clock::from_time_t(timegm(&end));
}

std::string fingerprint_of(X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &length) != 1) return {};
  std::string text;
  for (unsigned i = 0; i < length; ++i) text += fmt::format("{}{:02X}", i == 0 ? "" : ":", digest[i]);
  return text;
}

std::string subject_of(X509* certificate) {
  const Memory memory{BIO_new(BIO_s_mem())};
  X509_NAME_print_ex(memory.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  return text_of(memory.get());
}

// HTTP/1.1 or nothing: so that the handshake cannot be carried over to a server of another protocol (ALPACA).
int choose_protocol(SSL* /*connection*/, const unsigned char** chosen, unsigned char* chosen_length,
                    const unsigned char* offered, unsigned offered_length, void* /*unused*/) {
  static constexpr std::array<unsigned char, 9> kOurs{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* found = nullptr;
  const int outcome = SSL_select_next_proto(&found, chosen_length, kOurs.data(), kOurs.size(), offered, offered_length);
  *chosen = found;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool restrict(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_NO_TICKET | SSL_OP_SINGLE_ECDH_USE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  return SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, kCiphers12) == 1 && SSL_CTX_set1_groups_list(context, kGroups) == 1;
}

}  // namespace

Result<void> keep_own_certificate(const OwnCertificate& wish, system_clock::time_point now) {
  if (const auto there = read_certificate(wish.certificate_file)) {
    const bool lasts = end_of(there->get()) - now > std::chrono::hours{24 * kRenewDays};
    const auto key = files::read(wish.key_file, kPemMax);
    if (lasts && key && *key && names_all(there->get(), wish)) return {};
  }
  const Key key{EVP_EC_gen("P-256")};
  const Certificate certificate = key != nullptr ? make_certificate(wish, key.get(), now) : nullptr;
  const Memory key_text{BIO_new(BIO_s_mem())};
  const Memory certificate_text{BIO_new(BIO_s_mem())};
  const bool good =
      certificate != nullptr &&
      PEM_write_bio_PKCS8PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1 &&
      PEM_write_bio_X509(certificate_text.get(), certificate.get()) == 1;
  if (!good) return fail(Error::Code::io, wish.certificate_file, "cannot be made: " + ssl_words());
  if (auto written = files::replace(wish.key_file, text_of(key_text.get())); !written) return written;
  return files::replace(wish.certificate_file, text_of(certificate_text.get()), 0644);
}

Result<std::shared_ptr<TlsContext>> load_tls(const std::string& certificate_file, const std::string& key_file) {
  for (const std::string& file : {certificate_file, key_file}) {
    if (auto plain = is_plain_file(file); !plain) return tl::unexpected<Error>{plain.error()};
  }
  const auto certificate = read_certificate(certificate_file);
  if (!certificate) return tl::unexpected<Error>{certificate.error()};
  auto made = std::make_shared<TlsContext>();
  made->context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* context = made->context->native_handle();
  ERR_clear_error();
  if (!restrict(context)) return fail(Error::Code::io, "TLS", "cannot be set up: " + ssl_words());
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1) {
    return fail(Error::Code::invalid, certificate_file, "cannot be used: " + ssl_words());
  }
  // Nobody is there to be asked: OpenSSL would ask on the terminal, and wait.
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return 0; });
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return fail(Error::Code::invalid, key_file,
                "is not the certificate's private key in PEM, without a pass phrase: " + ssl_words());
  }
  made->fingerprint = fingerprint_of(certificate->get());
  made->subject = subject_of(certificate->get());
  made->not_after = end_of(certificate->get());
  return made;
}

}  // namespace fulcrum::https
