#include "sendmail/delivery.h"

#include "core/bytes.h"
#include "net/tls_context.h"
#include "smtp/client_connection.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <utility>

namespace postern::sendmail {
namespace {

using Endpoint = net::asio::ip::tcp::endpoint;

constexpr std::size_t kPieceOctets = 65'536;

Status unreachable(std::string why) {
  return {451, EnhancedCode{4, 4, 1}, std::move(why)};
}

smtp::ClientTls client_tls(RelayTls tls) {
  if (tls == RelayTls::Implicit) return smtp::ClientTls::Implicit;
  return tls == RelayTls::None ? smtp::ClientTls::None : smtp::ClientTls::Required;
}

// A coroutine's own copies of what it needs.
struct Submission {
  const RelayAddress* relay = nullptr;
  Envelope envelope;
  std::string content;
};

net::Awaitable<void> submit(Submission work, Endpoint endpoint, Delivery& delivery) {
  const bool is_near = endpoint.address().is_loopback();
  const auto tls =
      net::TlsClientContext::create(is_near ? net::TlsVerification::None : net::TlsVerification::Required, work.relay->ca_file);
  if (!tls) {
    delivery.say_of_all(unreachable("TLS cannot be set up: " + tls.error().message()));
    co_return;
  }
  smtp::ClientConfig config;
  config.hostname = work.relay->hostname;
  config.tls = client_tls(work.relay->tls);
  config.user_name = work.relay->user_name;
  config.password = work.relay->key;
  config.verifies_peer = !is_near;
  config.allows_auth_without_tls = is_near;
  constexpr std::chrono::seconds kConnect{10};
  const smtp::ClientTimeouts timeouts{.connect = kConnect,
                                      .greeting = kLongestDelivery,
                                      .command = kLongestDelivery,
                                      .data_block = kLongestDelivery,
                                      .end_of_data = kLongestDelivery};
  auto opened = co_await smtp::ClientConnection::open(endpoint, work.relay->host, std::move(config), *tls, timeouts);
  if (!opened.connection) {
    delivery.say_of_all(opened.failure);
    co_return;
  }
  delivery.has_session = true;
  smtp::ClientTransaction transaction;
  transaction.envelope = &work.envelope;
  for (std::uint32_t i = 0; i < work.envelope.recipients.size(); ++i) transaction.recipients.push_back(i);
  transaction.content_octets = work.content.size();
  std::size_t given = 0;
  const smtp::ContentSource source = [&work, &given]() -> Result<std::string> {
    std::string piece = work.content.substr(given, kPieceOctets);
    given += piece.size();
    return piece;
  };
  const std::vector<smtp::ClientRecipientStatus> results = co_await opened.connection->send(std::move(transaction), source);
  for (const smtp::ClientRecipientStatus& result : results) delivery.statuses[result.recipient] = result.status;
  co_await opened.connection->quit();
}

Envelope envelope_of(const Letter& letter, const std::string& content) {
  Envelope envelope;
  envelope.reverse_path = letter.sender;
  bool needs_smtputf8 = letter.sender && letter.sender->needs_smtputf8();
  for (const Mailbox& mailbox : letter.recipients) {
    envelope.recipients.push_back({mailbox, {}, {}});
    needs_smtputf8 = needs_smtputf8 || mailbox.needs_smtputf8();
  }
  envelope.parameters.body = has_high_octet(content) ? BodyType::EightBitMime : BodyType::SevenBit;
  envelope.parameters.smtputf8 = needs_smtputf8;
  return envelope;
}

}  // namespace

Delivery deliver(const RelayAddress& relay, const Letter& letter) {
  const std::string place = relay.host + " port " + std::to_string(relay.port);
  Delivery delivery;
  delivery.statuses.assign(letter.recipients.size(), unreachable(place + ": no answer in time"));
  net::asio::io_context context;
  net::asio::ip::tcp::resolver resolver(context);
  boost::system::error_code failure;
  const auto found = resolver.resolve(relay.host, std::to_string(relay.port), failure);
  if (failure || found.empty()) {
    delivery.say_of_all(unreachable(place + ": there is no such name"));
    return delivery;
  }
  const Endpoint endpoint = found.begin()->endpoint();
  if (relay.tls == RelayTls::None && !endpoint.address().is_loopback()) {
    delivery.say_of_all({550, EnhancedCode{5, 7, 1}, "without TLS no key is sent to another machine: set tls"});
    return delivery;
  }
  std::string content = content_to_send(letter);
  Envelope envelope = envelope_of(letter, content);
  net::asio::co_spawn(context, submit({&relay, std::move(envelope), std::move(content)}, endpoint, delivery), net::asio::detached);
  context.run_for(kLongestDelivery);
  return delivery;
}

}  // namespace postern::sendmail
