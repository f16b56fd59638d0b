// Rates and quotas: messages a second per account and key, recipients a day and month per account. The time is an argument; no
// timer runs. Counts of the running day and month are loaded from the directory when an account is first seen and written
// behind: take_unsaved() every second or so, so that a crash forgets at most that much.
#pragma once

#include "core/clock.h"
#include "core/ids.h"
#include "core/recent_map.h"
#include "core/token_bucket.h"
#include "store/records.h"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace postern::submission {

struct QuotaAnswer {
  // Elsewhere: other machines hold what is left, and may give it back.
  enum class Kind { Granted, RateLimited, QuotaExceeded, Elsewhere };
  Kind kind = Kind::Granted;
  std::chrono::seconds wait{0};  // until it is worth trying again, at least 1
  std::uint64_t limit = 0;       // what is used up: messages a second, recipients a day or month
};

// Accounts and keys held in memory at most; the longest unused go first. Counts that are not saved yet stay beyond it.
inline constexpr std::size_t kMaxQuotaEntries = 65'536;

// Rates and quotas that several machines share (docs/cluster.md). Any thread; waits for nobody.
class SharedQuotas {
 public:
  virtual ~SharedQuotas() = default;

  enum class Standing { Granted, Pending, Elsewhere, DayUsedUp, MonthUsedUp };
  struct Question {
    const AccountId& account;
    const store::Plan& plan;  // with a quota
    std::uint64_t used_today = 0;  // as this machine counted
    std::uint64_t used_this_month = 0;
    std::uint64_t recipients = 0;
  };
  // Granted: they are taken. Pending: asked for; in some milliseconds it is known.
  virtual Standing take(const Question& question, Instant now) = 0;
  // What take() would answer.
  virtual Standing look(const Question& question, Instant now) = 0;
  virtual void give_back(const AccountId& account, std::uint64_t recipients, Instant taken_at) = 0;
  // Which part of the rate of an account or a key is this machine's, in (0, 1]. `messages` are asked for.
  virtual double share_of_rate(const std::array<std::uint8_t, 10>& who, double messages) = 0;
};

// A message costs no more than so many seconds of a rate, however small the machine's share is: when it grows, that is paid off.
inline constexpr double kMostSecondsOfAMessage = 10;

class QuotaTable {
 public:
  using LoadCount = std::function<std::uint64_t(const AccountId&, store::CounterPeriod, Instant)>;

  // `load` reads a stored counter of an account that is not in memory; on the caller's thread, without the table's lock.
  // `shared` outlives this; nullptr: this machine's counts are all there is.
  explicit QuotaTable(LoadCount load, SharedQuotas* shared = nullptr) : load_(std::move(load)), shared_(shared) {}

  // All of these: any thread.
  // One message of the account's and the key's rate. A rate of zero never grants and says a day. A batch of `messages` is granted
  // where one is, and those after it wait for what it took too much: so a plan's rate bounds no batch's size.
  QuotaAnswer take_message(const AccountId& account, const store::Plan& plan, const KeyId& key,
                           std::optional<std::uint32_t> key_per_second, Instant now, std::uint32_t messages = 1);
  // `recipients` of the day's and month's quota, held until release() or for good.
  QuotaAnswer reserve(const AccountId& account, const store::Plan& plan, std::uint64_t recipients, Instant now);
  // False: what reserve() would say is being asked of the other machines, and known in a moment. Until then it says Elsewhere.
  bool is_ready(const AccountId& account, const store::Plan& plan, Instant now);
  // What the two above would answer now; nothing is taken.
  QuotaAnswer peek_message(const AccountId& account, const store::Plan& plan, const KeyId& key,
                           std::optional<std::uint32_t> key_per_second, Instant now);
  QuotaAnswer peek(const AccountId& account, const store::Plan& plan, std::uint64_t recipients, Instant now);
  // The tighter of the account's and the key's rate, and how many messages it grants at once now; nullopt: there is none.
  struct RateLeft {
    std::uint32_t limit = 0;
    std::uint32_t left = 0;
  };
  std::optional<RateLeft> rate_left(const AccountId& account, const store::Plan& plan, const KeyId& key,
                                    std::optional<std::uint32_t> key_per_second, Instant now);
  // Gives back what was reserved at `at` and not used.
  void release(const AccountId& account, std::uint64_t recipients, Instant at);

  struct Unsaved {
    AccountId account;
    Instant at;               // in the period that the count belongs to
    std::uint64_t recipients = 0;
  };
  // What was counted since the last call; the caller adds it to the day's and the month's counter.
  std::vector<Unsaved> take_unsaved();
  // Gives back what could not be written.
  void put_back(const std::vector<Unsaved>& unsaved);

 private:
  struct Usage {
    std::uint64_t day = 0;
    std::uint64_t month = 0;
    std::uint64_t unsaved = 0;
    Instant at;        // of the last use
    bool is_loaded = false;  // false: `load` is being asked, and nothing was counted yet
  };

  struct RateQuestion {
    const AccountId& account;
    const store::Plan& plan;
    const KeyId& key;
    std::optional<std::uint32_t> key_per_second;
    double tokens = 1;  // to take where one is there; 0 only looks
  };
  QuotaAnswer answer(const RateQuestion& question, Instant now);
  static QuotaAnswer room_for(const Usage& used, const store::Plan& plan, std::uint64_t recipients, Instant now);
  // Of what all machines share: taken, or looked at.
  enum class Claim { Take, Look };
  QuotaAnswer room_elsewhere(Claim claim, const Usage& used, const AccountId& account, const store::Plan& plan,
                             std::uint64_t recipients, Instant now);
  double cost(const std::array<std::uint8_t, 10>& who, std::uint32_t per_second, double messages);
  // Lets go of the lock while it loads.
  Usage& usage(std::unique_lock<std::mutex>& lock, const AccountId& account, Instant now);
  void keep(const Unsaved& count);

  std::mutex mutex_;
  LoadCount load_;
  SharedQuotas* const shared_;
  RecentMap<AccountId, TokenBucket> account_buckets_;
  RecentMap<KeyId, TokenBucket> key_buckets_;
  RecentMap<AccountId, Usage> usages_;
  // Not yet taken: counted before midnight, or not written at the last try. One for each account and day, however long the
  // store cannot be written.
  std::map<std::pair<Instant, AccountId>, Unsaved> kept_;
};

}  // namespace postern::submission
