#include "reception/forwarder.h"

#include "core/bytes.h"
#include "core/header_text.h"
#include "core/metrics.h"
#include "domains/dkim_keys.h"
#include "provenance/arc_seal.h"
#include "provenance/authentication_results.h"
#include "provenance/canonical.h"
#include "reception/forwarded_mail.h"
#include "reception/synced.h"
#include "store/lane.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace postern::reception {
namespace {

metrics::Counter forwarded("postern_inbound_forwarded_total", "Messages that a route sent on, as mail of the account's own.");
metrics::Counter not_forwarded("postern_inbound_not_forwarded_total",
                               "Messages that a route was to send on and did not: loops, caps, quotas, failed DMARC.");

// Where several machines share the quota, it may take seconds to find out that nobody can be asked.
constexpr int kQuotaLooks = 800;
constexpr std::chrono::milliseconds kBetweenLooks{5};

mime::HeaderScan scanned(std::string_view section) {
  mime::HeaderScan header;
  header.feed(section);
  header.finish();
  return header;
}

std::string relaxed_hash(std::string_view body) {
  provenance::BodyHash hash(provenance::Canonical::Relaxed);
  hash.append(body);
  return hash.finish();
}

// What the door found, as it wrote it on top of the message.
std::string results_of(const store::MessageRecord& message) {
  const mime::HeaderScan fields = scanned(message.signature_fields);
  const mime::HeaderField* const results = fields.find("Authentication-Results");
  return results != nullptr ? std::string(results->value) : std::string();
}

Result<std::string> read_whole(const store::Spool& spool, const store::MessageRecord& message) {
  std::string content;
  content.reserve(message.content_octets);
  for (std::uint32_t i = 0; i < message.chunk_count; ++i) {
    const auto chunk = spool.read_chunk(message.id, i);
    if (!chunk) return chunk.error();
    content += *chunk;
  }
  return content;
}

const store::DkimKey* rsa_key_of(const store::DomainRecord& domain) {
  const auto found = std::ranges::find(domain.dkim_keys, "rsa-sha256", &store::DkimKey::algorithm);
  return found == domain.dkim_keys.end() ? nullptr : &*found;
}

store::NewMessage outgoing_message(const store::StoredMessage& stored, const store::InboundForward& one, const Mailbox& recipient,
                                   const Mailbox& destination, const mime::HeaderScan& header, Instant now) {
  store::NewMessage message{.record = {}, .delivery = {}, .events = {}, .claim = {}};
  store::MessageRecord& record = message.record;
  record.id = one.message;
  record.account = stored.message.account;
  record.forward_of = stored.message.id;
  record.accepted_at = now;
  record.envelope.parameters = stored.message.envelope.parameters;
  record.envelope.reverse_path = recipient;  // another takes its place on the way out (domains/return_path)
  record.envelope.recipients.push_back({.mailbox = outgoing_mailbox(destination), .notify = {}, .orcpt = {}});
  const auto text = [&](std::string_view name) {
    const mime::HeaderField* const field = header.find(name);
    return field != nullptr ? header_text(field->value, store::kMaxSummaryOctets) : std::string();
  };
  record.summary.from = text("From");
  record.summary.subject = text("Subject");
  record.summary.to = {one.destination};
  message.delivery.recipients.resize(1);
  message.delivery.recipients.front().next_attempt = now;
  message.delivery.due = now;
  message.delivery.lane = store::lane_of_pending(record, message.delivery);
  Event& accepted = message.events.emplace_back();
  accepted.at = now;
  accepted.type = EventType::MessageAccepted;
  accepted.account = record.account;
  accepted.message = record.id;
  return message;
}

}  // namespace

std::string Forwarder::take_of_day(const std::string& route, const AccountId& account, Instant now) {
  const Instant today = std::chrono::floor<std::chrono::days>(now);
  if (today != day_) {
    day_ = today;
    by_route_.clear();
    by_account_.clear();
  }
  std::uint64_t& of_route = by_route_[route];
  std::uint64_t& of_account = by_account_[account];
  if (of_route >= parts_.settings.per_route_and_day) return "the route has sent on what it may in a day";
  if (of_account >= parts_.settings.per_account_and_day) return "the account has sent on what it may in a day";
  ++of_route;
  ++of_account;
  return {};
}

std::string Forwarder::find_obstacle(const store::InboundForward& one, const store::AccountRecord& account) {
  const store::Directory& directory = parts_.store.directory();
  const auto destination = parse_mailbox(one.destination);
  if (!destination) return "its destination is no address";
  if (account.state == store::AccountState::Suspended) return "the account is suspended";
  if (!parts_.return_paths.is_used()) return "this server has no return_path_domain to send it on under";
  if (account.mode == AccountMode::Sandbox) {
    const auto listed = directory.is_whitelisted(account.id, normalised_mailbox(*destination));
    if (!listed || !*listed) return "the account is in its sandbox, and the destination not on its list";
  }
  const Instant now = parts_.clock.now();
  std::string spent = take_of_day(one.route, account.id, now);
  if (!spent.empty()) return spent;
  // This thread waits for disks too.
  for (int looks = 0; looks < kQuotaLooks && !parts_.quota.is_ready(account.id, account.plan, now); ++looks) {
    std::this_thread::sleep_for(kBetweenLooks);
  }
  const auto answer = parts_.quota.reserve(account.id, account.plan, 1, now);
  if (answer.kind == submission::QuotaAnswer::Kind::Elsewhere) return "other machines hold what is left of the account's quota";
  if (answer.kind != submission::QuotaAnswer::Kind::Granted) return "the account's quota is used up";
  return {};
}

Result<void> Forwarder::commit(const store::StoredMessage& stored, const store::InboundForward& one, const std::string& content) {
  const Instant now = parts_.clock.now();
  const auto recipient = parse_mailbox(one.recipient);
  const auto destination = parse_mailbox(one.destination);
  if (!recipient || !destination) return Error(ErrorCode::InvalidArgument, "no address");
  mime::HeaderScan came;
  came.feed(content);
  came.finish();
  const std::string_view body =
      std::string_view(content).substr(came.section().size() + (came.has_empty_line() ? 2 : 0));
  const ForwardFacts facts{.route = one.route,
                           .recipient = *recipient,
                           .verdicts = stored.inbound->verdicts.value_or(store::InboundVerdicts())};
  std::string section = forwarded_header(came, facts);
  if (needs_new_author(facts.verdicts) && parts_.signer != nullptr) {
    auto signing = parts_.signer->open(stored.message.account, scanned(section));
    if (!signing) return signing.error();
    if (*signing) {
      (*signing)->append(section);
      (*signing)->append("\r\n");
      (*signing)->append(body);
      const auto fields = (*signing)->finish();
      if (!fields) return fields.error();
      section.insert(0, *fields);
    }
  }
  auto domain = parts_.find_domain(stored.message.account, normalised_domain(recipient->domain));
  if (!domain) return domain.error();
  const store::DkimKey* const key = *domain ? rsa_key_of(**domain) : nullptr;
  const std::string results = results_of(stored.message);
  const bool has_whole_chain = facts.verdicts.arc == "none" || facts.verdicts.arc == "pass";
  if (key != nullptr && has_whole_chain && !results.empty()) {
    const provenance::ArcSealing sealing{.domain = (*domain)->name, .selector = key->selector, .private_key = key->private_key,
                                         .results = results, .now = now};
    const auto sealed = provenance::seal_arc(scanned(section), relaxed_hash(body), sealing);
    domains::wipe_private_keys(**domain);
    if (!sealed) return sealed.error();
    section.insert(0, *sealed);
  } else if (*domain) {
    domains::wipe_private_keys(**domain);
  }
  store::NewMessage message = outgoing_message(stored, one, *recipient, *destination, scanned(section), now);
  const bool is_eight_bit = has_high_octet(section) || has_high_octet(body);
  message.record.envelope.parameters.body = is_eight_bit ? BodyType::EightBitMime : BodyType::SevenBit;
  const store::DueEntry due{.due = now, .id = one.message, .lane = message.delivery.lane, .account = message.record.account};
  auto writer = parts_.store.spool().open_message(one.message, message.record.account);
  for (const std::string_view part : {std::string_view(section), std::string_view("\r\n"), body}) {
    for (std::size_t i = 0; i < part.size(); i += store::kChunkOctets) {
      if (writer->append(part.substr(i, store::kChunkOctets))) continue;
      const auto drained = wait_for_sync([&](Completion done) { writer->drain(std::move(done)); });
      if (!drained) return drained.error();
    }
  }
  const auto committed = wait_for_sync([&](Completion done) {
    parts_.store.spool().commit(std::move(writer), std::move(message), std::move(done));
  });
  if (!committed) return committed.error();
  parts_.wake_queue(due);
  return {};
}

Result<void> Forwarder::forward(store::InboundRecord& inbound, store::InboundForward& one, const store::StoredMessage& stored,
                                const std::string& content) {
  const auto there = parts_.store.spool().find(one.message);
  if (!there) return there.error();
  if (*there) {  // a crash came between its commit and the note of it
    one.state = store::ForwardState::Queued;
    return {};
  }
  const auto account = parts_.store.directory().find_account(inbound.account);
  if (!account) return account.error();
  mime::HeaderScan came;
  came.feed(content);
  came.finish();
  const auto recipient = parse_mailbox(one.recipient);
  std::string why = *account ? "" : "the account is gone";
  if (why.empty() && !recipient) why = "it came to no address";
  if (why.empty() && came.state() == mime::HeaderScan::State::TooBig) why = "its header section is too big";
  if (why.empty()) {
    why = find_forward_fault(came, {.route = one.route,
                                    .recipient = *recipient,
                                    .verdicts = inbound.verdicts.value_or(store::InboundVerdicts())})
              .value_or("");
  }
  if (why.empty()) why = find_obstacle(one, **account);
  if (why.empty()) {
    if (auto done = commit(stored, one, content); !done) return done;
    forwarded.add();
  } else {
    not_forwarded.add();
  }
  one.state = why.empty() ? store::ForwardState::Queued : store::ForwardState::Refused;
  one.why = std::move(why);
  return {};
}

Result<void> Forwarder::forward(store::InboundRecord& inbound) {
  const auto stored = parts_.store.spool().find(inbound.id);
  if (!stored) return stored.error();
  Result<std::string> content = Error(ErrorCode::NotFound);
  if (*stored) content = read_whole(parts_.store.spool(), (*stored)->message);
  for (store::InboundForward& one : inbound.forwards) {
    if (one.state != store::ForwardState::Waiting) continue;
    if (!content) {
      one.state = store::ForwardState::Refused;
      one.why = "its content is gone";
    } else if (auto done = forward(inbound, one, **stored, *content); !done) {
      return done;
    }
  }
  return {};
}

}  // namespace postern::reception
