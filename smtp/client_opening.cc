// The client's way to Ready: greeting, EHLO, STARTTLS, AUTH.
//
// What fails here is about the connection or our configuration, not about a message, so failure() is always a 4yz that keeps
// the peer's words: messages wait while an operator mends a password or the peer comes back. That holds for a 5yz greeting
// too: the host takes no mail now (RFC 5321 §3.1), which says nothing on the recipients.
#include "core/base64.h"
#include "core/check.h"
#include "smtp/client_capabilities.h"
#include "smtp/client_session_impl.h"
#include "smtp/client_status.h"

namespace postern::smtp {
namespace {

constexpr EnhancedCode kNotAccepting{4, 3, 2};
constexpr EnhancedCode kSecurity{4, 7, 0};
constexpr EnhancedCode kEncryptionNeeded{4, 7, 11};

}  // namespace

void ClientSession::Impl::on_greeting(const Reply& reply) {
  if (!reply.is_completion()) return refuse_opening(reply, kNotAccepting);
  say_hello();
}

void ClientSession::Impl::say_hello() {
  phase_ = Phase::Dialog;
  capabilities_ = {};
  send(Command::Ehlo, "EHLO " + config_.hostname + "\r\n");
}

void ClientSession::Impl::on_ehlo(const Reply& reply) {
  if (reply.status.is_permanent()) return send(Command::Helo, "HELO " + config_.hostname + "\r\n");  // RFC 5321 §3.2
  if (!reply.is_completion()) return refuse_opening(reply, kNotAccepting);
  capabilities_ = parse_capabilities(reply.lines);
  hello_done();
}

void ClientSession::Impl::on_helo(const Reply& reply) {
  if (!reply.is_completion()) return refuse_opening(reply, kNotAccepting);
  hello_done();
}

void ClientSession::Impl::hello_done() {
  const bool wants_tls = config_.tls != ClientTls::None && !is_tls_;
  if (wants_tls && capabilities_.starttls && !was_starttls_refused_) return send(Command::StartTls, "STARTTLS\r\n");
  if (wants_tls && config_.tls == ClientTls::Required) {
    stage_ = "STARTTLS";
    return fail(missing_tls_status(), Manner::WithQuit);
  }
  authenticate();
}

void ClientSession::Impl::on_starttls(const Reply& reply) {
  if (reply.is_completion()) {
    phase_ = Phase::Handshake;
    return;
  }
  if (config_.tls == ClientTls::Required || reply.is_intermediate()) return refuse_opening(reply, kNoTls);
  was_starttls_refused_ = true;
  hello_done();
}

void ClientSession::Impl::tls_started() {
  POSTERN_CHECK(phase_ == Phase::Handshake);
  is_tls_ = true;
  replies_before_tls_ = reply_count_;
  say_hello();  // what was offered in the clear is forgotten (RFC 3207 §4.2)
}

void ClientSession::Impl::tls_failed(std::string_view reason) {
  POSTERN_CHECK(phase_ == Phase::Handshake);
  fail(failed_tls_status(reason), Manner::Abrupt);
}

void ClientSession::Impl::authenticate() {
  if (config_.user_name.empty()) {
    phase_ = Phase::Ready;
    return;
  }
  if (!is_tls_ && !config_.allows_auth_without_tls) {
    return fail(Status{454, kEncryptionNeeded, "AUTH is configured, and there is no TLS to send it under"}, Manner::WithQuit);
  }
  if (capabilities_.auth_plain) return begin_auth_plain();
  if (capabilities_.auth_login) return send(Command::AuthUserName, "AUTH LOGIN\r\n");
  fail(Status{454, kSecurity, "AUTH is configured, and the next hop offers neither PLAIN nor LOGIN"}, Manner::WithQuit);
}

void ClientSession::Impl::begin_auth_plain() {
  std::string encoded = encoded_plain_response();
  constexpr std::string_view kCommand = "AUTH PLAIN ";
  if (kCommand.size() + encoded.size() + 2 > kMaxCommandOctets) {
    send(Command::AuthPlain, "AUTH PLAIN\r\n");
  } else {
    send_secret(Command::AuthResult, kCommand, encoded);
  }
  wipe_string(encoded);
}

void ClientSession::Impl::on_auth_challenge(Command command, const Reply& reply) {
  if (reply.code() != 334) return refuse_opening(reply, kSecurity);
  std::string encoded;
  // The text of LOGIN's prompts varies between servers and says nothing: the order is fixed.
  if (command == Command::AuthPlain) encoded = encoded_plain_response();
  if (command == Command::AuthUserName) encoded = encode_base64(config_.user_name);
  if (command == Command::AuthPassword) encoded = encode_base64(config_.password.reveal());  // to send it
  send_secret(command == Command::AuthUserName ? Command::AuthPassword : Command::AuthResult, "", encoded);
  wipe_string(encoded);
}

void ClientSession::Impl::on_auth_result(const Reply& reply) {
  if (!reply.is_completion()) return refuse_opening(reply, kSecurity);
  config_.password = Secret();
  phase_ = Phase::Ready;
}

void ClientSession::Impl::refuse_opening(const Reply& reply, EnhancedCode fallback) {
  if (reply.is_completion() || reply.is_intermediate()) return fail_protocol("reply " + std::to_string(reply.code()));
  fail(deferral_from(reply, stage_, fallback), Manner::WithQuit);
}

void ClientSession::Impl::send_secret(Command command, std::string_view prefix, std::string_view encoded) {
  output_.reserve(output_.size() + prefix.size() + encoded.size() + 2);
  output_.append(prefix).append(encoded).append("\r\n");
  is_output_secret_ = true;
  await_reply(command);
}

// RFC 4616 §2: no authorization identity.
std::string ClientSession::Impl::encoded_plain_response() const {
  const std::string_view password = config_.password.reveal();  // to send it
  std::string message;
  message.reserve(config_.user_name.size() + password.size() + 2);
  message.push_back('\0');
  message.append(config_.user_name).push_back('\0');
  message.append(password);
  std::string encoded = encode_base64(message);
  wipe_string(message);
  return encoded;
}

// Replies are kept and shown: one that repeats what AUTH sent loses its text.
Reply ClientSession::Impl::without_credentials(const Reply& reply) const {
  const std::string_view password = config_.password.reveal();  // to look for it
  if (password.empty()) return reply;
  std::string plain = encoded_plain_response();
  std::string login = encode_base64(password);
  const bool repeats = reply.lines.find(password) != std::string::npos || reply.lines.find(plain) != std::string::npos ||
                       reply.lines.find(login) != std::string::npos;
  wipe_string(plain);
  wipe_string(login);
  if (!repeats) return reply;
  return Reply{Status{reply.code(), reply.status.enhanced, "(text withheld: it repeats the credentials)"}, ""};
}

}  // namespace postern::smtp
