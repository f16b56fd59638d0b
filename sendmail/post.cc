#include "sendmail/post.h"

#include "core/bytes.h"

#include <utility>

namespace postern::sendmail {
namespace {

constexpr std::size_t kMaxWhyOctets = 300;

// What is left of a letter once the relay has spoken, and what became of the rest.
struct Parted {
  Letter rest;
  Handed handed;
};

Parted part(Letter letter, const std::vector<Status>& statuses) {
  Parted parted;
  std::vector<Mailbox> waiting;
  for (std::size_t i = 0; i < letter.recipients.size(); ++i) {
    const Status& status = statuses[i];
    if (status.is_positive()) {
      ++parted.handed.taken;
    } else if (status.is_permanent()) {
      parted.handed.refused.push_back(escape_for_log(format_mailbox(letter.recipients[i]), kMaxWhyOctets) + ": " +
                                      escape_for_log(format_status(status), kMaxWhyOctets));
    } else {
      parted.handed.why_kept = escape_for_log(format_status(status), kMaxWhyOctets);
      waiting.push_back(std::move(letter.recipients[i]));
    }
  }
  // The same Idempotency-Key with other recipients would be a conflict.
  if (parted.handed.taken > 0) ++letter.part;
  parted.handed.kept = waiting.size();
  letter.recipients = std::move(waiting);
  parted.rest = std::move(letter);
  return parted;
}

std::string joined_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

// One letter that waits; false: the relay cannot be asked.
bool try_again(Outbox& outbox, Letter letter, const Deliver& deliver, Flushed& flushed) {
  const std::string id = letter.id;
  const Delivery delivery = deliver(letter);
  if (!delivery.has_session) {
    flushed.reports.push_back(escape_for_log(format_status(delivery.statuses.front()), kMaxWhyOctets));
    ++flushed.waiting;
    return false;
  }
  Parted parted = part(std::move(letter), delivery.statuses);
  const std::vector<std::string>& refused = parted.handed.refused;
  flushed.reports.insert(flushed.reports.end(), refused.begin(), refused.end());
  if (!parted.rest.recipients.empty()) {
    const bool is_changed = parted.handed.taken > 0 || !refused.empty();
    if (is_changed) static_cast<void>(outbox.replace(parted.rest));
    ++flushed.waiting;
  } else if (refused.empty()) {
    flushed.taken += outbox.remove(id) ? 1 : 0;
  } else {
    flushed.refused += outbox.refuse(id, joined_lines(refused)) ? 1 : 0;
  }
  return true;
}

}  // namespace

Result<Handed> hand_over(Letter letter, const Deliver& deliver, const std::function<Result<Outbox>()>& open_outbox) {
  const std::vector<Status> statuses = deliver(letter).statuses;
  Parted parted = part(std::move(letter), statuses);
  if (parted.rest.recipients.empty()) return std::move(parted.handed);
  auto outbox = open_outbox();
  const auto kept = outbox ? outbox->keep(parted.rest) : Result<void>(outbox.error());
  if (!kept) {
    return Error(kept.error().code(),
                 "the relay cannot take it now (" + parted.handed.why_kept + ") and it cannot be kept: " + kept.error().context());
  }
  return std::move(parted.handed);
}

Flushed flush(Outbox& outbox, const Deliver& deliver, Instant now, std::size_t limit) {
  Flushed flushed;
  if (!outbox.lock()) return flushed;
  outbox.forget_refused(now);
  bool can_be_asked = true;
  for (const Outbox::Entry& entry : outbox.list()) {
    if (entry.is_refused) continue;
    if (now - entry.written_at >= kWaitsFor) {
      flushed.refused += outbox.refuse(entry.id, "it has waited for too long") ? 1 : 0;
    } else if (!can_be_asked || flushed.taken == limit) {
      ++flushed.waiting;
    } else if (auto letter = outbox.load(entry.id); letter) {
      can_be_asked = try_again(outbox, std::move(*letter), deliver, flushed);
    } else {
      flushed.refused += outbox.refuse(entry.id, letter.error().message()) ? 1 : 0;
    }
  }
  return flushed;
}

}  // namespace postern::sendmail
