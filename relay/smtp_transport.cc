// A delivery is at most two sends: over a connection that was idle, and, if that had died unnoticed, over a fresh one.
#include "relay/smtp_transport.h"

#include "core/bytes.h"
#include "core/mailbox.h"
#include "core/metrics.h"
#include "core/operator_log.h"
#include "dns/host_lookup.h"
#include "relay/retry_schedule.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace postern::relay {
namespace {

using net::asio::ip::tcp;

using std::chrono::steady_clock;

metrics::Histogram attempt_durations("postern_delivery_attempt_duration_seconds",
                                     "Of an attempt to hand a message to its next hop: look-up, connection and dialogue.",
                                     metrics::short_durations(), metrics::Unit::Seconds);

enum class ProviderOutcome : std::uint8_t { Delivered, Deferred, Bounced };

metrics::Counter provider_recipients("postern_provider_recipients_total",
                                     "Recipients by what became of them in an attempt, by provider; where shaping_file is set.",
                                     {{"outcome", {"delivered", "deferred", "bounced"}}, {"provider", provider_labels()}},
                                     metrics::Zeros::Hidden);
metrics::Counter provider_restraints("postern_provider_restraints_total",
                                     "Attempts that were put off because the provider may not be given more, by what bound.",
                                     {{"why", {"suspended", "connections", "connects", "messages", "warm_up", "source"}},
                                      {"provider", provider_labels()}},
                                     metrics::Zeros::Hidden);

metrics::Histogram provider_attempts("postern_provider_attempt_duration_seconds",
                                     "Of an attempt to hand a message to its mail hosts, by provider; where shaping_file is set.",
                                     metrics::short_durations(), metrics::Unit::Seconds, {{"provider", provider_labels()}},
                                     metrics::Zeros::Hidden);

constexpr unsigned kMaxDoublings = 5;  // of the wait for a connection: half a minute
constexpr std::size_t kMaxRemoteText = 160;  // kept with every attempt
constexpr std::uint16_t kSecuritySubject = 7;  // RFC 3463 §3.8
constexpr auto kClearFor = std::chrono::hours(1);  // until TLS is tried again with a hop where it was broken
constexpr auto kAloneFor = std::chrono::hours(1);  // until an envelope follows a content again where one got no answer

// A session that cannot be had is never the message's fault: what the hop refuses for good is deferred here, and ends by the
// queue lifetime if nobody repairs the route.
Status as_transient(Status status) {
  if (!status.is_permanent()) return status;
  EnhancedCode enhanced = effective_enhanced_code(status);
  enhanced.klass = 4;
  return Status{451, enhanced, "the next hop said " + format_status(status)};
}

bool is_worth_another_address(const Status& failure) {
  return failure.is_transient() && effective_enhanced_code(failure).subject != kSecuritySubject;  // which would fail there too
}

std::string remote_text(const Route& route, const tcp::endpoint& endpoint) {
  return escape_for_log(route.host, kMaxRemoteText) + " [" + endpoint.address().to_string() +
         "]:" + std::to_string(endpoint.port());
}

// No next hop will ever take it: there is none, or it may go to none.
std::vector<RecipientReport> undeliverable(const DeliveryRequest& request, const Status& failure) {
  std::vector<RecipientReport> reports;
  for (const std::uint32_t index : request.recipients) {
    reports.push_back({index, Outcome::Bounced, failure, {}, std::nullopt, Contact::Good, true});
  }
  return reports;
}

std::vector<RecipientReport> no_contact(const DeliveryRequest& request, const Status& failure, const std::string& remote,
                                        Contact contact) {
  std::vector<RecipientReport> reports;
  for (const std::uint32_t index : request.recipients) {
    reports.push_back({index, Outcome::Deferred, as_transient(failure), remote, std::nullopt, contact, true});
  }
  return reports;
}

Outcome outcome_of(const Status& status, bool hop_does_dsn) {
  if (status.is_permanent()) return Outcome::Bounced;
  if (!status.is_positive()) return Outcome::Deferred;
  return hop_does_dsn ? Outcome::Delivered : Outcome::Relayed;
}

net::TlsVerification verification(TlsPolicy policy) {
  return policy == TlsPolicy::Required ? net::TlsVerification::Required : net::TlsVerification::None;
}

smtp::ClientTls client_tls(const Route& route) {
  if (route.implicit_tls) return smtp::ClientTls::Implicit;
  switch (route.tls) {
    case TlsPolicy::None: return smtp::ClientTls::None;
    case TlsPolicy::Opportunistic: return smtp::ClientTls::IfOffered;
    case TlsPolicy::Required: return smtp::ClientTls::Required;
  }
  return smtp::ClientTls::Required;
}

bool has_deferral(const std::vector<smtp::ClientRecipientStatus>& statuses) {
  return std::any_of(statuses.begin(), statuses.end(), [](const auto& said) { return said.status.is_transient(); });
}

// RFC 5321 §5.1: the next address is tried where this one took nobody for now, or lacks what the message must have
// (RFC 8689 §4.2.1).
bool may_do_better_elsewhere(const std::vector<smtp::ClientRecipientStatus>& statuses) {
  const auto lacks_tls = [](const smtp::ClientRecipientStatus& said) {
    return said.is_own_word && effective_enhanced_code(said.status) == EnhancedCode{5, 7, 30};
  };
  return std::ranges::all_of(statuses, [&](const auto& said) { return said.status.is_transient() || lacks_tls(said); });
}

bool may_be_for_number(const Status& failure) {
  const EnhancedCode code = effective_enhanced_code(failure);
  return failure.is_transient() && code.subject != kSecuritySubject && code != EnhancedCode{4, 4, 3};
}

bool said_goodbye(const std::vector<smtp::ClientRecipientStatus>& statuses) {
  return std::ranges::any_of(statuses, [](const auto& said) { return said.status.code == 421; });
}

bool needs_seven_bit(const Envelope& envelope, const smtp::ClientCapabilities& capabilities) {
  return envelope.parameters.body == BodyType::EightBitMime && !capabilities.eight_bit_mime;
}

}  // namespace

SmtpTransport::SmtpTransport(net::Executor executor, const store::Spool& spool, std::shared_ptr<const RouteTable> routes,
                             const Route& route, SmtpTransportOptions options)
    : executor_(executor),
      spool_(spool),
      routes_(std::move(routes)),
      route_(route),
      options_(std::move(options)),
      exits_(executor, route, options_.sources) {
  if (!options_.mx) load_tls();
}

SmtpTransport::~SmtpTransport() { exits_.close_all(); }

void SmtpTransport::load_tls() {
  auto context = net::TlsClientContext::create(verification(route_.tls), route_.ca_file);
  if (context) {
    tls_ = std::make_shared<const net::TlsClientContext>(std::move(*context));
    return;
  }
  if (tls_) return;  // what was loaded before goes on
  tls_failure_ = Status{451, EnhancedCode{4, 7, 5}, "TLS cannot be set up: " + context.error().message()};
}

net::Awaitable<std::vector<RecipientReport>> SmtpTransport::deliver(DeliveryRequest request) {
  const auto begun = steady_clock::now();
  std::vector<RecipientReport> reports = co_await attempt(std::move(request));
  const auto lasted = steady_clock::now() - begun;
  attempt_durations.observe(lasted);
  if (exits_.knows_provider()) provider_attempts.at(provider_attempts.place_of(exits_.provider())).observe(lasted);
  co_return reports;
}

// By one exit after the other, while each says nothing of the message: most routes have one.
net::Awaitable<std::vector<RecipientReport>> SmtpTransport::attempt(DeliveryRequest request) {
  const std::unique_ptr<MxAttempt> walk = options_.mx ? begin_walk(request) : nullptr;
  if (walk && options_.mx->shapers() != nullptr && !exits_.knows_provider()) co_await find_provider(*walk);
  Exits::PutOff put_off = exits_.none_put_off();
  std::vector<RecipientReport> last;
  for (;;) {
    Wait wait;
    Exit* const exit = exits_.choose(now(), random_, put_off, wait);
    if (exit == nullptr) {
      if (!last.empty()) co_return last;
      co_return restrained(request, wait);
    }
    Passage passage = co_await pass(*exit, walk.get(), request);
    if (!passage.was_begun) exits_.give_back(*exit, now());
    if (!passage.put_off) co_return std::move(passage.reports);
    exits_.put_off(*exit, *passage.put_off, put_off);
    if (!passage.reports.empty()) last = std::move(passage.reports);
  }
}

net::Awaitable<SmtpTransport::Passage> SmtpTransport::pass(Exit& exit, MxAttempt* walk, const DeliveryRequest& request) {
  Passage passage;
  if (exit.shaper) passage.put_off = exit.shaper->admit_message(now());
  if (passage.put_off) co_return passage;
  auto [idle, begun] = take_begun(request);
  if (!idle.connection) idle = exit.idle->take(walk != nullptr ? walk->demand() : mx::TlsDemand::Usual);
  if (idle.connection && idle.connection->is_usable()) {
    passage.was_begun = true;
    const bool was_begun_behind = begun != nullptr;
    Sent sent = co_await send(idle, request, std::move(begun));
    if (was_begun_behind && sent.is_stale && !said_goodbye(sent.statuses)) alone_until_ = steady_clock::now() + kAloneFor;
    if (!sent.is_stale) {
      passage.reports = conclude(exit, std::move(idle), std::move(sent));
      co_return passage;
    }
    quit_in_background(executor_, std::move(idle));
  }
  std::optional<std::pair<HopConnection, Sent>> refused;  // by a mail host that is not the last one
  if (walk != nullptr) co_await find_provider(*walk);
  if (walk != nullptr) walk->leave_by(exit);
  for (;;) {
    Opened opened = co_await open(exit, walk);
    const bool is_failure = !opened.hop.connection && !opened.is_surplus && !opened.is_message_s && !opened.wait;
    exit.is_failing = is_failure && !refused;
    if (!opened.hop.connection && !refused) co_return not_opened(exit, opened, request, walk != nullptr);
    if (!opened.hop.connection) break;
    passage.was_begun = true;
    Sent sent = co_await send(opened.hop, request);
    if (refused) keep_or_quit(exit, std::move(refused->first));
    refused.emplace(std::move(opened.hop), std::move(sent));
    if (walk == nullptr || !walk->has_more() || !refused->second.is_for_another) break;
  }
  passage.reports = conclude(exit, std::move(refused->first), std::move(refused->second));
  co_return passage;
}

SmtpTransport::Passage SmtpTransport::not_opened(const Exit& exit, const Opened& opened, const DeliveryRequest& request,
                                                 bool is_by_mx) {
  Passage passage;
  passage.put_off = opened.wait;
  if (passage.put_off) return passage;
  if (!opened.is_surplus) note_dialogue(request, opened.remote, opened.said + "= " + format_status(opened.failure) + "\n");
  if (is_by_mx && opened.failure.is_permanent()) {
    passage.reports = undeliverable(request, opened.failure);
    return passage;
  }
  const Contact usual = opened.is_message_s ? Contact::Good : Contact::None;
  passage.reports = no_contact(request, opened.failure, opened.remote, opened.is_surplus ? Contact::Surplus : usual);
  passage.put_off = exits_.closed(exit, now());
  if (opened.is_source_s && !passage.put_off) passage.put_off = Wait{SourceBook::kMissingFor, Restraint::Source};
  return passage;
}

// All recipients of a request are of one domain: the queue's destinations are.
std::unique_ptr<MxAttempt> SmtpTransport::begin_walk(const DeliveryRequest& request) {
  const store::MessageRecord& message = request.message->message;
  std::string_view content;
  Result<std::string> chunk = std::string();
  if (!message.envelope.parameters.require_tls) chunk = spool_.read_chunk(message.id, 0);
  if (chunk) content = *chunk;
  smtp::ClientConfig config;
  config.hostname = options_.hostname;
  return std::make_unique<MxAttempt>(*options_.mx, route_,
                                     normalised_domain(message.envelope.recipients[request.recipients.front()].mailbox.domain),
                                     mx::find_tls_demand(message.envelope.parameters.require_tls, content), config,
                                     options_.timeouts, look_ups_);
}

net::Awaitable<void> SmtpTransport::find_provider(MxAttempt& walk) {
  co_await walk.prepare();
  const std::string* const host = walk.first_host();
  if (host != nullptr && options_.mx->shapers() != nullptr) exits_.use_provider_of(*host, *options_.mx->shapers());
}

// Not an attempt: the queue has it again, and tries later each time. Domains of one provider do not do so in step.
std::vector<RecipientReport> SmtpTransport::restrained(const DeliveryRequest& request, const Wait& wait) {
  const std::string provider(exits_.provider());
  provider_restraints.at(wait.why, provider_restraints.place_of(provider)).add();
  const Duration longer = wait.why == Restraint::Connections ? wait.time * (1U << std::min(restrained_, kMaxDoublings)) : wait.time;
  ++restrained_;
  const Status why{451, EnhancedCode{4, 4, 5}, provider + " may not be given more now: " +
                                                   std::string(restraint_name(wait.why))};
  std::vector<RecipientReport> reports;
  for (const std::uint32_t index : request.recipients) {
    reports.push_back({index, Outcome::Deferred, why, {}, with_jitter(longer, random_), Contact::Restrained, true});
  }
  return reports;
}

void SmtpTransport::note_words(ProviderShaper& shaper, const std::vector<smtp::ClientRecipientStatus>& statuses) {
  restrained_ = 0;
  const Instant at = now();
  const std::size_t place = provider_recipients.place_of(shaper.name());
  const Status* last = nullptr;
  for (const smtp::ClientRecipientStatus& said : statuses) {
    const ProviderOutcome outcome = said.status.is_positive()    ? ProviderOutcome::Delivered
                                    : said.status.is_permanent() ? ProviderOutcome::Bounced
                                                                 : ProviderOutcome::Deferred;
    provider_recipients.at(outcome, place).add();
    const bool is_new = !said.status.is_positive() && !said.is_own_word && (last == nullptr || *last != said.status);
    if (is_new) note_provider_word(shaper, said.status, at);
    if (is_new) last = &said.status;
  }
}

net::Awaitable<void> SmtpTransport::open_by_mx(Opened& opened, MxAttempt& walk) {
  MxSession session = co_await walk.next();
  opened.hop = std::move(session.hop);
  opened.failure = std::move(session.failure);
  opened.remote = std::move(session.remote);
  opened.is_message_s = session.is_message_s;
  opened.is_source_s = session.is_source_s;
  opened.wait = session.wait;
  opened.said = std::move(session.said);
}

net::Awaitable<SmtpTransport::Opened> SmtpTransport::open(Exit& exit, MxAttempt* walk) {
  Opened opened;
  ++opening_;
  if (walk != nullptr) {
    co_await open_by_mx(opened, *walk);
  } else {
    co_await open_session(exit, opened);
  }
  --opening_;
  const bool has_others = opening_ + sending_.size() + exits_.idle_connections() > 0;
  const bool is_too_many = opened.failure.code == 421;  // the next hop's own word: what we say ourselves is 451 or 454
  // Of mail hosts neither what the DNS nor what TLS says has to do with how many sessions there are.
  const bool is_final = opened.is_source_s || (walk != nullptr && (opened.is_message_s || !may_be_for_number(opened.failure)));
  opened.is_surplus = !opened.hop.connection && (has_others || is_too_many) && !is_cancelled_ && !is_final;
  co_return opened;
}

net::Awaitable<void> SmtpTransport::open_session(Exit& exit, Opened& opened) {
  opened.remote = escape_for_log(route_.host, kMaxRemoteText) + ":" + std::to_string(route_.port);
  opened.failure = tls_failure_;
  if (!tls_) co_return;

  const dns::Limits limits{.timeout = options_.timeouts.connect, .cancellation = &look_ups_};
  const auto endpoints = co_await dns::find_endpoints(options_.resolver, route_.host, route_.port, limits);
  if (!endpoints) {
    // RFC 3463 §3.5: X.4.3, directory server failure.
    opened.failure = Status{451, EnhancedCode{4, 4, 3}, escape_for_log(endpoints.error().context())};
    co_return;
  }
  const auto tls = tls_;  // a reload may bring another while this waits
  for (const tcp::endpoint& endpoint : *endpoints) {
    opened.failure = Status{421, EnhancedCode{4, 3, 2}, "shutting down"};
    if (is_cancelled_) break;
    opened.remote = remote_text(route_, endpoint) + (exit.source == nullptr ? "" : " from " + exit.source->name);
    smtp::ClientConfig config = client_config(exit, endpoint);
    const std::optional<Status> obstacle = leave_from(exit, endpoint, config);
    opened.is_source_s = obstacle.has_value();
    if (obstacle) {
      opened.failure = *obstacle;
      continue;
    }
    const auto dialogue = options_.dialogues == nullptr ? nullptr : record_dialogue(config);
    auto attempt = co_await smtp::ClientConnection::open(endpoint, route_.host, config, *tls, options_.timeouts);
    if (attempt.is_source_missing && options_.sources) {
      options_.sources->note_missing(exit.source->name, *config.source, now());
    }
    opened.is_source_s = attempt.is_source_missing;
    if (attempt.is_source_missing) attempt.failure = lacking_source(*exit.source, &*config.source, endpoint.address().is_v4());
    if (attempt.connection) {
      opened.hop = HopConnection{tls, std::move(attempt.connection), opened.remote, 0};
      opened.hop.dialogue = dialogue;
      break;
    }
    if (dialogue) opened.said += "= " + opened.remote + "\n" + dialogue->take();
    opened.failure = std::move(attempt.failure);
    if (attempt.is_tls_failure) note_tls_failure(exit, opened.failure);
    if (!is_worth_another_address(opened.failure)) break;
  }
}

// Opportunistic TLS that does not work counts as none: the mail would go in the clear had it not been offered. A password would
// not.
bool SmtpTransport::may_give_up_tls() const {
  return route_.tls == TlsPolicy::Opportunistic && !route_.implicit_tls && route_.user_name.empty();
}

void SmtpTransport::note_tls_failure(Exit& exit, const Status& failure) {
  if (!may_give_up_tls() || is_cancelled_) return;
  if (steady_clock::now() >= exit.clear_until) operator_log::tls_given_up(route_.name, failure);
  exit.clear_until = steady_clock::now() + kClearFor;
}

// What the connection leaves from, put into `config`; or why it cannot.
std::optional<Status> SmtpTransport::leave_from(const Exit& exit, const tcp::endpoint& endpoint, smtp::ClientConfig& config) const {
  if (exit.source == nullptr) return std::nullopt;
  const bool is_v4 = endpoint.address().is_v4();
  config.source = is_v4 ? exit.source->v4 : exit.source->v6;
  if (!exit.source->ehlo_name.empty()) config.hostname = exit.source->ehlo_name;
  const bool is_missing = config.source && options_.sources && options_.sources->is_missing(*config.source, now());
  if (config.source && !is_missing) return std::nullopt;
  return lacking_source(*exit.source, config.source ? &*config.source : nullptr, is_v4);
}

smtp::ClientConfig SmtpTransport::client_config(const Exit& exit, const tcp::endpoint& endpoint) const {
  const auto address = endpoint.address();
  const bool is_mapped = address.is_v6() && address.to_v6().is_v4_mapped();
  const bool is_loopback =
      is_mapped ? make_address_v4(net::asio::ip::v4_mapped, address.to_v6()).is_loopback() : address.is_loopback();
  const bool is_clear = may_give_up_tls() && steady_clock::now() < exit.clear_until;
  return {.hostname = options_.hostname,
          .tls = is_clear ? smtp::ClientTls::None : client_tls(route_),
          .user_name = route_.user_name,
          .password = route_.password,
          .verifies_peer = tls_->verifies(),
          .allows_auth_without_tls = is_loopback};
}

net::Awaitable<SmtpTransport::Sent> SmtpTransport::send(HopConnection& hop, const DeliveryRequest& request,
                                                        std::unique_ptr<Outgoing> begun) {
  smtp::ClientConnection* const connection = hop.connection.get();
  sending_.insert(connection);
  Sent sent = co_await send_content(hop, request, std::move(begun));
  sending_.erase(connection);
  ++hop.messages;
  if (hop.dialogue) note_dialogue(request, hop.remote, hop.dialogue->take());
  co_return sent;
}

void SmtpTransport::note_dialogue(const DeliveryRequest& request, const std::string& remote, std::string said) const {
  if (options_.dialogues == nullptr) return;
  const store::MessageRecord& message = request.message->message;
  options_.dialogues->add(message.account, message.id, {.at = now(), .remote = remote, .text = std::move(said)});
}

std::unique_ptr<SmtpTransport::Outgoing> SmtpTransport::outgoing(const DeliveryRequest& request) const {
  const store::MessageRecord& message = request.message->message;
  auto made = std::make_unique<Outgoing>(Outgoing{SpooledContent(spool_, message)});
  if (!has_own_return_path(message)) return made;
  made->changed = message.envelope;
  made->changed->reverse_path = options_.return_paths->path_of(message.id);
  return made;
}

void SmtpTransport::finish(Outgoing& outgoing, const DeliveryRequest& request) {
  const Envelope& envelope = outgoing.changed ? *outgoing.changed : request.message->message.envelope;
  outgoing.transaction = {&envelope, request.recipients, outgoing.content.octets()};
}

net::Awaitable<SmtpTransport::Sent> SmtpTransport::send_content(HopConnection& hop, const DeliveryRequest& request,
                                                                std::unique_ptr<Outgoing> outgoing) {
  const store::MessageRecord& message = request.message->message;
  smtp::ClientConnection* const connection = hop.connection.get();
  Sent sent;
  if (!outgoing) {
    outgoing = this->outgoing(request);
    if (needs_seven_bit(message.envelope, connection->capabilities())) {
      const std::optional<Status> obstacle = co_await outgoing->content.make_seven_bit(options_.signer);
      if (obstacle) {
        for (const std::uint32_t index : request.recipients) sent.statuses.push_back({index, *obstacle, true});
        co_return sent;
      }
      if (!outgoing->changed) outgoing->changed = message.envelope;
      outgoing->changed->parameters.body = BodyType::SevenBit;
    }
    finish(*outgoing, request);
  }
  SpooledContent& content = outgoing->content;
  const smtp::ContentSource source = [&content] { return content.next(); };
  const smtp::LookAhead look_ahead = [&] { return this->look_ahead(hop, request, sent); };
  sent.statuses = co_await connection->send(outgoing->transaction, source, look_ahead);
  sent.is_content_lost = content.has_failed();
  // Before content goes out nothing of the message is theirs: whatever was answered can be asked again.
  const bool is_spent = hop.messages > 0 && !content.was_asked() && is_session_spent(hop, sent);
  sent.is_stale = is_spent && !is_cancelled_;
  sent.is_for_another = !content.was_asked() && !is_cancelled_ && may_do_better_elsewhere(sent.statuses);
  co_return sent;
}

// RFC 2920 §3.1. Of a smarthost only: to a domain's mail hosts seldom goes more than one message at a time, and each is asked for
// what it may send. What must be made 7-bit is read through first, which takes its time.
std::optional<smtp::ClientTransaction> SmtpTransport::look_ahead(const HopConnection& hop, const DeliveryRequest& request,
                                                                 Sent& sent) const {
  const bool takes_more = !options_.mx && !exits_.has_sources() && !is_cancelled_ && !is_retired_ &&
                          hop.messages + 1 < route_.max_messages_per_connection && steady_clock::now() >= alone_until_;
  const DeliveryRequest* const next = takes_more && request.look_ahead ? request.look_ahead() : nullptr;
  if (next == nullptr || needs_seven_bit(next->message->message.envelope, hop.connection->capabilities())) return std::nullopt;
  sent.next = next->message;
  sent.next_outgoing = outgoing(*next);
  finish(*sent.next_outgoing, *next);
  return sent.next_outgoing->transaction;
}

SmtpTransport::Begun SmtpTransport::take_begun(const DeliveryRequest& request) {
  auto found = begun_.extract(request.message);
  return found.empty() ? Begun() : std::move(found.mapped());
}

// A notice of ours has a null reverse-path, or goes to a client's own address: nobody is to suppress that.
bool SmtpTransport::has_own_return_path(const store::MessageRecord& message) const {
  return options_.return_paths != nullptr && options_.return_paths->is_used() && message.envelope.reverse_path.has_value() &&
         message.origin == store::MessageOrigin::Submission;
}

// True if a connection that has carried messages takes no more of them, and says so in one of the ways that are met: it is closed,
// MAIL is refused for now, or every recipient is "too many".
bool SmtpTransport::is_session_spent(const HopConnection& hop, const Sent& sent) {
  if (!hop.connection->is_usable()) return true;
  const auto is_temporary = [](const auto& said) { return said.status.is_transient(); };
  const auto is_too_many = [](const auto& said) { return said.status.code == 452; };
  if (hop.connection->was_mail_refused()) return std::ranges::all_of(sent.statuses, is_temporary);
  return std::ranges::all_of(sent.statuses, is_too_many);
}

std::vector<RecipientReport> SmtpTransport::conclude(Exit& exit, HopConnection hop, Sent sent) {
  const bool does_dsn = hop.connection->capabilities().dsn;
  const bool is_broken = hop.connection->is_broken() && !sent.is_content_lost && has_deferral(sent.statuses);
  const Contact contact = is_broken ? Contact::Broken : hop.connection->is_unfit() ? Contact::Unfit : Contact::Good;
  if (exit.shaper) note_words(*exit.shaper, sent.statuses);
  std::vector<RecipientReport> reports;
  reports.reserve(sent.statuses.size());
  for (smtp::ClientRecipientStatus& said : sent.statuses) {
    const Outcome outcome = outcome_of(said.status, does_dsn);
    reports.push_back({said.recipient, outcome, std::move(said.status), hop.remote, std::nullopt, contact, said.is_own_word});
  }
  if (hop.connection->is_begun_behind()) {
    begun_.insert_or_assign(sent.next, Begun{std::move(hop), std::move(sent.next_outgoing)});
  } else {
    keep_or_quit(exit, std::move(hop));
  }
  return reports;
}

void SmtpTransport::keep_or_quit(Exit& exit, HopConnection hop) {
  if (!hop.connection->is_usable()) return;
  std::uint32_t most = route_.max_messages_per_connection;
  if (hop.counted) {
    const std::uint32_t of_provider = exit.shaper->limits(now()).messages_per_connection;
    if (of_provider != 0) most = std::min(most, of_provider);
    options_.mx->note_idle(*exit.shaper, exit.idle);
  }
  if (is_cancelled_ || is_retired_ || hop.messages >= most) return quit_in_background(executor_, std::move(hop));
  exit.idle->put(std::move(hop));
}

void SmtpTransport::retire() {
  is_retired_ = true;
  exits_.close_all();
}

void SmtpTransport::cancel() {
  is_cancelled_ = true;
  look_ups_.cancel();
  if (options_.mx) options_.mx->cancel();
  exits_.close_all();
  for (smtp::ClientConnection* connection : sending_) connection->cancel();
  for (const auto& [message, begun] : begun_) begun.hop.connection->cancel();
}

}  // namespace postern::relay
