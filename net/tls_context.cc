// The OpenSSL contexts: one policy for both sides, RFC 9325 §3 and §4.
#include "net/tls_context.h"

#include "core/check.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>
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

// Resumption by tickets alone: they cost no memory and no lock between threads. Their keys die with the context.
void offer_resumption(SSL_CTX* context) {
  static constexpr std::array<unsigned char, 7> kName = {'p', 'o', 's', 't', 'e', 'r', 'n'};
  SSL_CTX_set_session_id_context(context, kName.data(), kName.size());
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
}

}  // namespace

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
  context.verifies_ = verification == TlsVerification::Required;
  SSL_CTX_set_verify(raw, context.verifies_ ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!ca_file.empty() && SSL_CTX_load_verify_file(raw, ca_file.c_str()) != 1) {
    return failed("read the CA certificates " + ca_file);
  }
  if (ca_file.empty() && context.verifies_ && SSL_CTX_set_default_verify_paths(raw) != 1) {
    return failed("read the system's CA certificates");
  }
  context.context_ = std::move(*made);
  return context;
}

void* TlsClientContext::native() const { return context_.get(); }
bool TlsClientContext::verifies() const { return verifies_; }

}  // namespace postern::net
