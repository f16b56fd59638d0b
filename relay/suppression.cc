#include "relay/suppression.h"

#include "core/case_fold.h"
#include "core/mailbox.h"
#include "core/operator_log.h"
#include "domains/unsubscribe_link.h"
#include "relay/failure_class.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace postern::relay {
namespace {

using store::SuppressionReason;
using store::SuppressionRecord;

struct AddressFailure {
  std::uint16_t subject;
  std::uint16_t detail;
};
constexpr std::array<AddressFailure, 6> kAddressFailures = {{
    {1, 1},   // bad destination mailbox address
    {1, 2},   // bad destination system address
    {1, 3},   // bad destination mailbox address syntax
    {1, 6},   // mailbox has moved, no forwarding address
    {1, 10},  // the domain takes no mail (null MX)
    {2, 1},   // mailbox disabled
}};

std::optional<SuppressionReason> reason_of(const Event& event) {
  if (event.type == EventType::RecipientComplained) return SuppressionReason::Complaint;
  if (event.type == EventType::RecipientBounced && is_hard_bounce(event.status, event.detail)) return SuppressionReason::Bounce;
  return std::nullopt;
}

struct EntryParts {
  std::string address;  // in lower case
  std::string stream;   // may be empty
};

// The stream is behind the blank that follows the domain: a local part may hold blanks, a domain has none.
Result<EntryParts> read_entry(std::string_view entry) {
  const std::size_t blank = entry.find(' ', std::min(entry.rfind('@'), entry.size()));
  const auto mailbox = parse_mailbox(entry.substr(0, blank));
  if (!mailbox) return Error(ErrorCode::InvalidArgument, "that is not an e-mail address: write local@domain");
  EntryParts parts{fold_case(normalised_mailbox(*mailbox)), {}};
  if (blank == std::string_view::npos) return parts;
  parts.stream = fold_case(entry.substr(blank + 1));
  if (!domains::is_stream(parts.stream)) {
    return Error(ErrorCode::InvalidArgument, "that is no stream: up to 64 letters, digits, \"-\" and \"_\"");
  }
  return parts;
}

}  // namespace

bool is_hard_bounce(const Status& status, std::string_view remote) {
  if (!status.is_permanent() || !status.enhanced || status.enhanced->klass != 5) return false;
  const bool has_code = std::ranges::any_of(kAddressFailures, [&](const AddressFailure& failure) {
    return failure.subject == status.enhanced->subject && failure.detail == status.enhanced->detail;
  });
  return has_code && concerns_address(classify_failure(status, remote));
}

bool is_in_force(const SuppressionRecord& suppression, Instant now) { return suppression.until.value_or(Instant::max()) > now; }

std::vector<SuppressionRecord> suppressions_of(const std::vector<Event>& events) {
  std::vector<SuppressionRecord> suppressions;
  for (const Event& event : events) {
    const auto reason = reason_of(event);
    if (!reason) continue;
    const auto mailbox = parse_mailbox(event.recipient);
    if (!mailbox) continue;
    const std::string address = fold_case(normalised_mailbox(*mailbox));
    suppressions.push_back({.address = address, .reason = *reason, .at = event.at, .message = event.message});
  }
  return suppressions;
}

std::vector<SuppressionRecord> suppressions_of(const store::StoredMessage& stored, const Publication& publication) {
  // A notification goes to the account itself.
  if (!heeds_suppressions(stored.message.environment, stored.message.origin)) return {};
  return suppressions_of(publication.settlement.events);
}

std::vector<SuppressionRecord> as_wanted_by(const store::AccountRecord& account, std::vector<SuppressionRecord> suppressions) {
  if (account.auto_suppression == store::AutoSuppression::Off) return {};
  for (SuppressionRecord& suppression : suppressions) {
    if (account.suppression_days > 0) suppression.until = suppression.at + std::chrono::days(account.suppression_days);
  }
  return suppressions;
}

void suppress_later(store::Directory& directory, const AccountId& account, std::vector<SuppressionRecord> suppressions) {
  if (suppressions.empty()) return;
  auto change = [account, suppressions = std::move(suppressions)](store::DirectoryWriter& writer) -> Result<void> {
    const auto owner = writer.find_account(account);
    if (!owner) return owner.error();
    if (!*owner) return {};
    for (const SuppressionRecord& suppression : as_wanted_by(**owner, suppressions)) {
      if (auto put = writer.put_suppression(account, suppression); !put) return put;
    }
    return {};
  };
  directory.write_later(std::move(change), [](const Result<void>& written) {
    // NotFound: the account was removed meanwhile.
    if (!written && written.error().code() != ErrorCode::NotFound) {
      operator_log::maintenance_failed("suppressions", written.error());
    }
  });
}

RecipientReport report_suppressed(std::uint32_t recipient) {
  RecipientReport report;
  report.index = recipient;
  report.outcome = Outcome::Suppressed;
  report.status = Status{550, EnhancedCode{5, 7, 1}, "not attempted: the address is on the account's suppression list"};
  return report;
}

std::string_view suppression_reason_name(SuppressionReason reason) {
  switch (reason) {
    case SuppressionReason::Bounce: return "bounce";
    case SuppressionReason::Complaint: return "complaint";
    case SuppressionReason::Manual: return "manual";
    case SuppressionReason::Unsubscribe: return "unsubscribe";
  }
  return "unknown";
}

Result<bool> is_suppressed(const store::Directory& directory, const AccountId& account, std::string_view normalised_address,
                           const std::vector<std::pair<std::string, std::string>>& tags, Instant now) {
  Result<bool> found = directory.is_suppressed(account, normalised_address, now);
  for (const auto& [name, stream] : tags) {
    if (!found || *found) return found;
    if (name == store::kStreamTag) {
      found = directory.is_suppressed(account, store::suppression_entry(normalised_address, stream), now);
    }
  }
  return found;
}

Result<SuppressionRecord> suppress(store::Directory& directory, const AccountId& account, std::string_view entry, Instant now) {
  auto parts = read_entry(entry);
  if (!parts) return parts.error();
  SuppressionRecord record{.address = std::move(parts->address),
                           .reason = SuppressionReason::Manual,
                           .at = now,
                           .message = std::nullopt,
                           .stream = std::move(parts->stream)};
  const Result<void> written =
      directory.write([&](store::DirectoryWriter& writer) { return writer.put_suppression(account, record); });
  if (!written) return written.error();
  return record;
}

Result<std::string> lift_suppression(store::Directory& directory, const AccountId& account, std::string_view entry) {
  auto name = normalised_entry(entry);
  if (!name) return name.error();
  const Result<void> written =
      directory.write([&](store::DirectoryWriter& writer) { return writer.remove_suppression(account, *name); });
  if (!written) return written.error();
  return std::move(*name);
}

Result<std::string> normalised_entry(std::string_view entry) {
  const auto parts = read_entry(entry);
  if (!parts) return parts.error();
  return store::suppression_entry(parts->address, parts->stream);
}

}  // namespace postern::relay
