#include "support/client_script.h"

#include <algorithm>

namespace postern::test {

using namespace smtp;

ClientConfig plain_client_config() {
  ClientConfig config;
  config.hostname = "client.example";
  config.tls = ClientTls::None;
  return config;
}

Envelope numbered_envelope(std::size_t recipients) {
  Envelope envelope;
  envelope.reverse_path = Mailbox{"a", "example.org"};
  for (std::size_t i = 0; i < recipients; ++i) {
    envelope.recipients.push_back(Recipient{Mailbox{"r" + std::to_string(i), "example.net"}, {}, ""});
  }
  return envelope;
}

ClientScript::ClientScript(ClientConfig config, std::size_t octets_per_read)
    : session_(std::move(config)), octets_per_read_(octets_per_read) {}

template <class Step>
void ClientScript::expect_step(const char* name) {
  const ClientStep step = session_.next();
  EXPECT_TRUE(std::holds_alternative<Step>(step))
      << "expected " << name << ", got step " << step.index() << " at " << session_.stage() << " " << failure();
}

ClientScript& ClientScript::expect_sent(std::string_view octets) {
  session_.next();
  EXPECT_EQ(session_.output(), octets);
  session_.output_sent();
  return *this;
}

ClientScript& ClientScript::feed(std::string_view octets) {
  while (!octets.empty()) {
    const ClientStep step = session_.next();
    if (!std::holds_alternative<ClientNeedInput>(step)) {
      ADD_FAILURE() << "the session does not read, step " << step.index() << ", left: " << octets << failure();
      return *this;
    }
    const std::span<char> space = session_.input_space();
    const std::size_t count = std::min({octets.size(), octets_per_read_, space.size()});
    std::copy_n(octets.begin(), count, space.begin());
    session_.received(count);
    octets.remove_prefix(count);
  }
  session_.next();
  return *this;
}

ClientScript& ClientScript::expect_start_tls() { return expect_step<ClientStartTls>("ClientStartTls"), *this; }
ClientScript& ClientScript::expect_ready() { return expect_step<ClientReady>("ClientReady"), *this; }
ClientScript& ClientScript::expect_need_content() { return expect_step<ClientNeedContent>("ClientNeedContent"), *this; }
ClientScript& ClientScript::expect_closed() { return expect_step<ClientClosed>("ClientClosed"), *this; }
ClientScript& ClientScript::tls_started() { return session_.tls_started(), *this; }
ClientScript& ClientScript::quit() { return session_.quit(), *this; }

ClientScript& ClientScript::begin(const Envelope& envelope, std::uint64_t content_octets) {
  ClientTransaction transaction{&envelope, {}, content_octets};
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
    transaction.recipients.push_back(static_cast<std::uint32_t>(i));
  }
  session_.begin(std::move(transaction));
  return *this;
}

ClientScript& ClientScript::content(std::string_view piece, bool is_last) {
  session_.content(piece, is_last);
  return *this;
}

ClientScript& ClientScript::open(std::initializer_list<std::string_view> keywords) {
  feed("220 mx.example ESMTP\r\n").expect_sent("EHLO client.example\r\n");
  std::string reply = "250-mx.example\r\n";
  for (const std::string_view keyword : keywords) reply.append("250-").append(keyword).append("\r\n");
  return feed(reply + "250 HELP\r\n").expect_ready();
}

std::string ClientScript::results() const {
  std::string text;
  for (const ClientRecipientStatus& result : session_.results()) {
    if (result.status.code != 0) text += format_status(result.status);
    text += result.status.code != 0 ? " r" : "- r";
    text += std::to_string(result.recipient) + "\n";
  }
  return text;
}

std::string ClientScript::failure() const {
  return session_.failure() ? format_status(*session_.failure()) : "";
}

}  // namespace postern::test
