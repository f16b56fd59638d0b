// The OpenSSL contexts: one policy for both sides, RFC 9325 §3 and §4.
#include "net/tls_context.h"

#include "core/check.h"
#include "core/time_format.h"
#include "net/ticket_keys.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <chrono>
#include <ctime>
#include <system_error>

namespace postern::net {

namespace {

// TLS 1.2: forward secrecy and AEAD only (RFC 9325 §4.2). TLS 1.3 has nothing else.
constexpr const char* kTls12Suites =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";

using ContextPointer = std::shared_ptr<SSL_CTX>;

// The first error is the cause; those behind it say on whose behalf.
std::string openssl_reason() {
  const unsigned long cause = ERR_peek_error();
  for (unsigned long error = cause; error != 0; error = ERR_get_error()) {
    if (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_BAD_PASSWORD_READ) {
      ERR_clear_error();
      return "it is behind a passphrase";
    }
  }
  if (ERR_SYSTEM_ERROR(cause)) return std::generic_category().message(ERR_GET_REASON(cause));
  const bool is_no_pem = ERR_GET_LIB(cause) == ERR_LIB_PEM && ERR_GET_REASON(cause) == PEM_R_NO_START_LINE;
  const bool is_no_key = ERR_GET_LIB(cause) == ERR_LIB_OSSL_DECODER && ERR_GET_REASON(cause) == ERR_R_UNSUPPORTED;
  if (is_no_pem || is_no_key) return "there is none in PEM form";
  const char* reason = ERR_reason_error_string(cause);
  return reason == nullptr ? "unreadable" : reason;
}

Error failed(const std::string& what) { return Error(ErrorCode::TlsFailed, what + ": " + openssl_reason()); }

// A key behind a passphrase is refused: a server that starts by itself has nobody to ask.
int no_passphrase(char*, int, int, void*) { return -1; }

Result<ContextPointer> make_context(const SSL_METHOD* method) {
  ERR_clear_error();
  ContextPointer context(SSL_CTX_new(method), &SSL_CTX_free);
  if (!context) return failed("make a TLS context");
  SSL_CTX* raw = context.get();
  // Keys arrive over TLS: OpenSSL wipes what it decrypted as soon as it is read.
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_CLEANSE_PLAINTEXT);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(raw, 1);  // one recv for a record's header and body
  SSL_CTX_set_default_passwd_cb(raw, &no_passphrase);
  // RFC 8996 §4, §5: nothing below TLS 1.2.
  if (SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) != 1 || SSL_CTX_set_cipher_list(raw, kTls12Suites) != 1 ||
      SSL_CTX_set1_groups_list(raw, kGroups) != 1) {
    return failed("set the TLS policy");
  }
  return context;
}

// Resumption by tickets alone: they cost no memory.
void offer_resumption(SSL_CTX* context) {
  static constexpr std::array<unsigned char, 7> kName = {'p', 'o', 's', 't', 'e', 'r', 'n'};
  SSL_CTX_set_session_id_context(context, kName.data(), kName.size());
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  rotate_ticket_keys(context);
}

constexpr std::chrono::days kExpiresSoon{14};

Instant instant_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return Instant{};
  return Instant{std::chrono::seconds(::timegm(&parts))};
}

}  // namespace

std::vector<std::string> TlsServerContext::find_problems(const std::string& hostname, Instant now) const {
  const X509* certificate = SSL_CTX_get0_certificate(static_cast<SSL_CTX*>(context_.get()));
  if (certificate == nullptr) return {"there is none"};
  std::vector<std::string> problems;
  const Instant begins = instant_of(X509_get0_notBefore(certificate));
  const Instant ends = instant_of(X509_get0_notAfter(certificate));
  if (now < begins) problems.push_back("it is not valid before " + format_rfc3339(begins));
  if (now >= ends) {
    problems.push_back("it expired on " + format_rfc3339(ends));
  } else if (now + kExpiresSoon >= ends) {
    problems.push_back("it expires soon, on " + format_rfc3339(ends));
  }
  if (X509_check_host(const_cast<X509*>(certificate), hostname.data(), hostname.size(), 0, nullptr) != 1) {
    problems.push_back("it does not name " + hostname);
  }
  return problems;
}

std::string TlsServerContext::fingerprint() const {
  const X509* certificate = SSL_CTX_get0_certificate(static_cast<SSL_CTX*>(context_.get()));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (certificate == nullptr || X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  return std::string(digest.begin(), digest.begin() + size);
}

Result<TlsServerContext> TlsServerContext::load(const std::string& certificate_file, const std::string& key_file) {
  Result<ContextPointer> made = make_context(TLS_server_method());
  if (!made) return made.error();
  SSL_CTX* raw = made->get();
  if (SSL_CTX_use_certificate_chain_file(raw, certificate_file.c_str()) != 1) {
    return failed("read the certificate " + certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(raw, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return failed("read the key " + key_file + " of the certificate " + certificate_file);
  }
  if (SSL_CTX_check_private_key(raw) != 1) {
    return failed("use the key " + key_file + " with the certificate " + certificate_file);
  }
  offer_resumption(raw);
  TlsServerContext context;
  context.context_ = std::move(*made);
  return context;
}

void* TlsServerContext::native() const { return context_.get(); }

Result<TlsClientContext> TlsClientContext::create(TlsVerification verification, const std::string& ca_file) {
  Result<ContextPointer> made = make_context(TLS_client_method());
  if (!made) return made.error();
  SSL_CTX* raw = made->get();
  TlsClientContext context;
  context.verification_ = verification;
  SSL_CTX_set_verify(raw, context.verifies() ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (verification == TlsVerification::Dane) {
    if (SSL_CTX_dane_enable(raw) != 1) return failed("set DANE up");
    context.context_ = std::move(*made);
    return context;
  }
  if (!ca_file.empty() && SSL_CTX_load_verify_file(raw, ca_file.c_str()) != 1) {
    return failed("read the CA certificates " + ca_file);
  }
  if (ca_file.empty() && context.verifies() && SSL_CTX_set_default_verify_paths(raw) != 1) {
    return failed("read the system's CA certificates");
  }
  context.context_ = std::move(*made);
  return context;
}

void* TlsClientContext::native() const { return context_.get(); }

}  // namespace postern::net
