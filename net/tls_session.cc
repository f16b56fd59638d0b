// OpenSSL on a socket of ours. The BIO below exists because OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a peer that
// resets the connection would raise SIGPIPE.
#include "net/tls_session.h"

#include "core/check.h"
#include "core/ip_address.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace postern::net {

namespace {

int clamped(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, INT_MAX)); }

std::string reason_of_queue(const SSL* ssl) {
  const unsigned long code = ERR_peek_last_error();
  const long verified = SSL_get_verify_result(ssl);
  if (verified != X509_V_OK && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    return std::string("certificate: ") + X509_verify_cert_error_string(verified);
  }
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "handshake or record refused" : reason;
}

// SSL_set_tlsext_host_name() without the macro's C casts; OpenSSL copies the name.
bool send_server_name(SSL* ssl, const std::string& name) {
  return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(name.c_str())) == 1;
}

TlsFault fault_of(const SSL* ssl) {
  if ((SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0) return TlsFault::Handshake;
  switch (SSL_get_verify_result(ssl)) {
    case X509_V_OK: return TlsFault::Handshake;
    case X509_V_ERR_CERT_HAS_EXPIRED: return TlsFault::Expired;
    case X509_V_ERR_HOSTNAME_MISMATCH: return TlsFault::WrongName;
    case X509_V_ERR_DANE_NO_MATCH: return TlsFault::NoTlsaMatch;
    default: return TlsFault::NotTrusted;
  }
}

bool add_tlsa(SSL* ssl, const TlsaRecord& record) {
  constexpr std::uint8_t kDaneTa = 2;
  constexpr std::uint8_t kDaneEe = 3;
  if (record.usage != kDaneTa && record.usage != kDaneEe) return false;
  // 0: not usable; below: no memory, which is no reason to trust the peer.
  return SSL_dane_tlsa_add(ssl, record.usage, record.selector, record.matching,
                           reinterpret_cast<const unsigned char*>(record.data.data()), record.data.size()) > 0;
}

// RFC 7672 §3: with DANE-EE neither name nor date counts, with DANE-TA the name is one of the peer's. Where no record can be used
// OpenSSL would go by the CAs: then there is no session.
bool expect_by_dane(SSL* ssl, const TlsPeer& peer) {
  if (SSL_dane_enable(ssl, peer.server_name.c_str()) != 1) return false;
  SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  for (const std::string& name : peer.other_names) {
    if (SSL_add1_host(ssl, name.c_str()) != 1) return false;
  }
  const auto added = std::ranges::count_if(peer.tlsa, [ssl](const TlsaRecord& record) { return add_tlsa(ssl, record); });
  return added > 0;
}

// The name to check and, for a host name, to send as SNI; RFC 6066 §3 allows no address literal there.
bool expect_server(SSL* ssl, const TlsClientContext& context, const TlsPeer& peer) {
  const std::string& server_name = peer.server_name;
  if (context.verification() == TlsVerification::Dane) return expect_by_dane(ssl, peer);
  if (parse_ip_address(server_name)) {
    return !context.verifies() || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server_name.c_str()) == 1;
  }
  if (!server_name.empty() && !send_server_name(ssl, server_name)) return false;
  if (!context.verifies()) return true;
  // RFC 6125 §6.4.3: a wildcard stands for one whole label only.
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (server_name.empty() || SSL_set1_host(ssl, server_name.c_str()) != 1) return false;
  return std::ranges::all_of(peer.other_names,
                             [ssl](const std::string& name) { return SSL_add1_host(ssl, name.c_str()) == 1; });
}

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

}  // namespace

std::vector<TlsaRecord> find_usable(const std::vector<TlsaRecord>& records) {
  static const std::unique_ptr<SSL_CTX, FreeSsl> context(SSL_CTX_new(TLS_client_method()));
  std::vector<TlsaRecord> usable;
  if (records.empty() || !context || SSL_CTX_dane_enable(context.get()) != 1) return usable;
  const std::unique_ptr<SSL, FreeSsl> ssl(SSL_new(context.get()));
  if (!ssl || SSL_dane_enable(ssl.get(), nullptr) != 1) return usable;
  for (const TlsaRecord& record : records) {
    if (add_tlsa(ssl.get(), record)) usable.push_back(record);
  }
  ERR_clear_error();
  return usable;
}

TlsSession::TlsSession(int descriptor) { wire_.descriptor = descriptor; }

TlsSession::~TlsSession() = default;

Result<std::unique_ptr<TlsSession>> TlsSession::accepting(int descriptor, const TlsServerContext& context) {
  std::unique_ptr<TlsSession> session(new TlsSession(descriptor));
  if (!session->attach(static_cast<SSL_CTX*>(context.native()))) {
    return Error(ErrorCode::TlsFailed, "set up TLS: out of memory");
  }
  SSL_set_accept_state(session->ssl_.get());
  return session;
}

Result<std::unique_ptr<TlsSession>> TlsSession::connecting(int descriptor, const TlsClientContext& context,
                                                           const TlsPeer& peer) {
  std::unique_ptr<TlsSession> session(new TlsSession(descriptor));
  if (!session->attach(static_cast<SSL_CTX*>(context.native())) ||
      !expect_server(session->ssl_.get(), context, peer)) {
    return Error(ErrorCode::TlsFailed, "set up TLS: the server name cannot be used");
  }
  SSL_set_connect_state(session->ssl_.get());
  return session;
}

bool TlsSession::attach(SSL_CTX* context) {
  POSTERN_CHECK(context != nullptr);
  ssl_.reset(SSL_new(context));
  BIO* bio = ssl_ ? BIO_new(wire_method()) : nullptr;
  if (bio == nullptr) return false;
  BIO_set_data(bio, &wire_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);  // owns it
  return true;
}

TlsOutcome TlsSession::handshake() {
  ERR_clear_error();
  return outcome_of(SSL_do_handshake(ssl_.get()));
}

TlsOutcome TlsSession::read(std::span<char> space) {
  ERR_clear_error();
  return outcome_of(SSL_read(ssl_.get(), space.data(), clamped(space.size())));
}

TlsOutcome TlsSession::write(std::string_view octets) {
  POSTERN_CHECK(octets.size() <= INT_MAX);
  ERR_clear_error();
  return outcome_of(SSL_write(ssl_.get(), octets.data(), clamped(octets.size())));
}

TlsOutcome TlsSession::outcome_of(int returned) {
  if (returned > 0) return {TlsProgress::Done, static_cast<std::size_t>(returned)};
  last_error_ = SSL_get_error(ssl_.get(), returned);
  if (last_error_ == SSL_ERROR_WANT_READ) return {TlsProgress::WantsRead, 0};
  if (last_error_ == SSL_ERROR_WANT_WRITE) return {TlsProgress::WantsWrite, 0};
  is_broken_ = last_error_ != SSL_ERROR_ZERO_RETURN;
  if (last_error_ == SSL_ERROR_SSL) reason_ = reason_of_queue(ssl_.get());
  if (is_broken_) fault_ = fault_of(ssl_.get());
  return {TlsProgress::Failed, 0};
}

void TlsSession::say_goodbye() {
  if (is_broken_ || SSL_in_init(ssl_.get()) == 1) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

Error TlsSession::failure() const {
  if (last_error_ == SSL_ERROR_ZERO_RETURN) return Error(ErrorCode::ConnectionClosed);
  if (wire_.error == ECONNRESET || wire_.error == EPIPE) return Error(ErrorCode::ConnectionReset);
  if (wire_.error != 0) return Error(ErrorCode::IoError, "errno " + std::to_string(wire_.error));
  // Without close_notify the end may be an attacker's (RFC 8446 §6.1): not an orderly one.
  if (wire_.has_ended) return Error(ErrorCode::ConnectionReset, "ended without close_notify");
  return Error(ErrorCode::TlsFailed, reason_);
}

std::string TlsSession::version() const { return SSL_get_version(ssl_.get()); }
std::string TlsSession::cipher() const { return SSL_get_cipher_name(ssl_.get()); }

BIO_METHOD* TlsSession::wire_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "postern socket");
    POSTERN_CHECK(made != nullptr);
    BIO_meth_set_read(made, &TlsSession::wire_read);
    BIO_meth_set_write(made, &TlsSession::wire_write);
    BIO_meth_set_ctrl(made, &TlsSession::wire_control);
    return made;
  }();
  return method;
}

int TlsSession::wire_read(BIO* bio, char* space, int size) {
  Wire& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const ssize_t count = ::recv(wire.descriptor, space, static_cast<std::size_t>(size), 0);
  if (count > 0) return static_cast<int>(count);
  if (count == 0) {
    wire.has_ended = true;
    return 0;
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
    BIO_set_retry_read(bio);
    return -1;
  }
  wire.error = errno;
  return -1;
}

int TlsSession::wire_write(BIO* bio, const char* octets, int size) {
  Wire& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const ssize_t count = ::send(wire.descriptor, octets, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (count >= 0) return static_cast<int>(count);
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
    BIO_set_retry_write(bio);
    return -1;
  }
  wire.error = errno;
  return -1;
}

long TlsSession::wire_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return static_cast<Wire*>(BIO_get_data(bio))->has_ended ? 1 : 0;
  return 0;
}

}  // namespace postern::net
