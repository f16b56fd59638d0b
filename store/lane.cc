#include "store/lane.h"

#include "core/mailbox.h"
#include "store/runs.h"

#include <algorithm>
#include <tuple>

namespace postern::store {

std::string lane_of(std::string_view normalised_domain) {
  std::string lane(normalised_domain.substr(0, kMaxLaneOctets));
  for (char& octet : lane) {
    if (static_cast<unsigned char>(octet) < 0x21) octet = '_';  // no domain that was parsed has one
  }
  return lane;
}

std::string clock_lane(const AccountId& account, std::string_view run) {
  std::string lane(kClockLanePrefix);
  lane.append(format_id(account)).append(":");
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::uint64_t hash = run_hash(run);
  for (int shift = 60; shift >= 0; shift -= 4) lane.push_back(kDigits[(hash >> shift) & 0xf]);
  return lane;
}

std::string lane_of(const MessageRecord& message, const RecipientState& state, std::size_t recipient) {
  if (message.has_own_clock) return clock_lane(message.account, message.user_name);
  if (message.environment == postern::Environment::Test) return std::string(kTestLane);
  std::string lane = lane_of(normalised_domain(message.envelope.recipients[recipient].mailbox.domain));
  if (state.route.empty()) return lane;
  return (">" + state.route + ">" + lane).substr(0, kMaxLaneOctets);
}

bool is_lane_route(std::string_view route) {
  const auto is_foreign = [](char octet) { return static_cast<unsigned char>(octet) < 0x21 || octet == '>'; };
  return !route.empty() && route.size() <= kMaxRouteOctets && std::ranges::none_of(route, is_foreign);
}

LaneParts parts_of_lane(std::string_view lane) {
  const std::size_t end = lane.starts_with('>') ? lane.find('>', 1) : std::string_view::npos;
  if (end == std::string_view::npos) return {{}, lane};
  return {lane.substr(1, end - 1), lane.substr(end + 1)};
}

std::string lane_of_pending(const MessageRecord& message, const DeliveryRecord& delivery) {
  if (delivery.recipients.size() == 1 && !message.envelope.recipients.empty())
    return lane_of(message, delivery.recipients[0], 0);
  std::vector<DueRow> rows = due_rows(message, delivery);
  return rows.size() == 1 ? std::move(rows.front().lane) : std::string();
}

std::vector<DueRow> due_rows(const MessageRecord& message, const DeliveryRecord& delivery) {
  std::vector<DueRow> rows;
  const std::size_t count =
      std::min(delivery.recipients.size(), message.envelope.recipients.size());
  for (std::size_t i = 0; i < count; ++i) {
    const RecipientState& state = delivery.recipients[i];
    if (state.stage == RecipientStage::Pending)
      rows.push_back({lane_of(message, state, i), state.next_attempt});
  }
  // The earliest of each lane.
  std::ranges::sort(rows, {}, [](const DueRow& row) { return std::tie(row.lane, row.due); });
  const auto later = std::ranges::unique(rows, {}, &DueRow::lane);
  rows.erase(later.begin(), later.end());
  return rows;
}

}  // namespace postern::store
