// A whole session against a hostile next hop. The first octet chooses the configuration, the rest is what the hop says.
// Whatever it says: every recipient ends with a status, what we send is whole lines, credentials appear in no status, and a
// connection that failed says so with a 4yz.
#include "smtp/client_session.h"
#include "tests/fuzz/fuzz.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace postern::fuzz {
namespace {

using namespace smtp;

constexpr int kMaxTransactions = 4;
constexpr std::string_view kPassword = "unreal-password";

ClientConfig config_from(std::uint8_t bits) {
  ClientConfig config;
  config.hostname = "client.example";
  config.tls = static_cast<ClientTls>(bits & 3U);
  if ((bits & 4U) != 0) config.user_name = "relay";
  config.password = Secret(std::string(kPassword));
  config.allows_auth_without_tls = (bits & 8U) != 0;
  return config;
}

Envelope envelope_from(std::uint8_t bits) {
  Envelope envelope;
  envelope.reverse_path = Mailbox{"a", "example.org"};
  envelope.parameters.smtputf8 = (bits & 16U) != 0;
  envelope.parameters.body = (bits & 32U) != 0 ? BodyType::EightBitMime : BodyType::SevenBit;
  const std::size_t recipients = (bits & 64U) != 0 ? 700 : 3;
  for (std::size_t i = 0; i < recipients; ++i) envelope.recipients.push_back({Mailbox{"r", "example.net"}, {}, ""});
  return envelope;
}

void check_results(const ClientSession& session) {
  for (const ClientRecipientStatus& result : session.results()) {
    POSTERN_CHECK(result.status.code >= 200 && result.status.code < 600);
    POSTERN_CHECK(result.status.code / 100 != 3);
    POSTERN_CHECK(result.status.text.find('\n') == std::string::npos);
  }
}

void begin(ClientSession& session, const Envelope& envelope) {
  ClientTransaction transaction{&envelope, {}, 100};
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i) transaction.recipients.push_back(static_cast<std::uint32_t>(i));
  session.begin(std::move(transaction));
}

void take_output(ClientSession& session) {
  const std::string_view output = session.output();
  for (std::size_t lf = output.find('\n'); lf != std::string_view::npos; lf = output.find('\n', lf + 1)) {
    POSTERN_CHECK(lf > 0 && output[lf - 1] == '\r');
  }
  POSTERN_CHECK(output.empty() || output.back() == '\n');
  session.output_sent();
}

struct Hop {
  std::string_view octets;

  // False: it has nothing more to say.
  bool answer(ClientSession& session) {
    if (octets.empty()) return false;
    const std::span<char> space = session.input_space();
    const std::size_t count = std::min(octets.size(), space.size());
    std::copy_n(octets.begin(), count, space.begin());
    session.received(count);
    octets.remove_prefix(count);
    return true;
  }
};

}  // namespace

POSTERN_FUZZ(client_session) {
  if (input.empty()) return;
  const std::uint8_t choice = take_octet(input);
  const Envelope envelope = envelope_from(choice);
  ClientSession session(config_from(choice));
  // A line of input at a time, so that later replies are not "unasked for".
  std::string_view script = input;
  for (int transactions = 0;;) {
    const ClientStep step = session.next();
    take_output(session);
    if (std::holds_alternative<ClientClosed>(step)) break;
    if (std::holds_alternative<ClientStartTls>(step)) session.tls_started();
    if (std::holds_alternative<ClientNeedContent>(step)) session.content("Subject: x\r\n\r\n.\r\n", true);
    if (std::holds_alternative<ClientReady>(step)) {
      check_results(session);
      if (++transactions == kMaxTransactions) break;
      begin(session, envelope);
    }
    if (!std::holds_alternative<ClientNeedInput>(step)) continue;
    const std::size_t line = std::min(script.find('\n'), script.size() - (script.empty() ? 0 : 1));
    Hop hop{script.substr(0, line + 1)};
    script.remove_prefix(hop.octets.size());
    if (!hop.answer(session)) session.peer_gone();
    // What a read could not hold is dropped: a longer line is refused anyway.
  }
  check_results(session);
  if (session.failure()) {
    POSTERN_CHECK(session.failure()->is_transient());
    // Before AUTH a hop can only have guessed it.
    POSTERN_CHECK(session.stage() != "AUTH" || session.failure()->text.find(kPassword) == std::string::npos);
  }
}

}  // namespace postern::fuzz
