#include "cluster/quota_keeper.h"

#include "cluster/history.h"
#include "cluster/shared_directory.h"
#include "core/log.h"
#include "core/metrics.h"

#include <utility>

namespace postern::cluster {
namespace {

using std::chrono::steady_clock;

metrics::Counter lease_rounds("postern_cluster_lease_rounds_total", "Times that leases of quotas were asked for or given back.");
metrics::Gauge leases_away("postern_cluster_leases_away",
                           "1: nobody can be asked for quotas, and shares of what was free are given out.");

}  // namespace

QuotaKeeper::QuotaKeeper(store::Store& store, const Secret& where, const Clock& clock, Random& random,
                         const store::Membership& membership)
    : directory_(store.directory()),
      replica_(store.directory()),
      clock_(clock),
      node_(membership.node),
      random_(random),
      connection_(where),
      ledger_(connection_, membership) {}

void QuotaKeeper::start() {
  heard_at_ = steady_clock::now();
  if (const auto nodes = replica_.nodes(); nodes && *nodes > 0) book_.set_nodes(nodes_ = *nodes);
  thread_ = std::thread(&QuotaKeeper::run, this);
}

void QuotaKeeper::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wakes_.notify_all();
  thread_.join();
}

LeaseBook::Answer QuotaKeeper::take(const AccountId& account, const QuotaLimits& limits, const QuotaUse& used,
                                    std::uint64_t recipients, Instant now) {
  const std::lock_guard lock(mutex_);
  if (!has_leases_) return {};
  const Time at = steady_clock::now();
  look_for_silence(at);
  const LeaseBook::Answer answer = book_.take(account, limits, used, recipients, now, at);
  wake_if_asked(answer);
  return answer;
}

LeaseBook::Answer QuotaKeeper::look(const AccountId& account, const QuotaLimits& limits, const QuotaUse& used,
                                    std::uint64_t recipients, Instant now) {
  const std::lock_guard lock(mutex_);
  if (!has_leases_) return {};
  const Time at = steady_clock::now();
  look_for_silence(at);
  const LeaseBook::Answer answer = book_.look(account, limits, used, recipients, now, at);
  wake_if_asked(answer);
  return answer;
}

void QuotaKeeper::wake_if_asked(const LeaseBook::Answer& answer) {
  if (answer.standing == LeaseBook::Standing::Pending) wakes_.notify_one();
}

// Whoever asks looks, since the thread may be waiting for an answer that does not come.
void QuotaKeeper::look_for_silence(Time at) {
  if (at - heard_at_ > kAwayAfter) book_.set_away(true);
}

void QuotaKeeper::give_back(const AccountId& account, std::uint64_t recipients, Instant taken_at) {
  const std::lock_guard lock(mutex_);
  book_.give_back(account, recipients, taken_at);
}

double QuotaKeeper::share(const RatedId& who, double messages) {
  const std::lock_guard lock(mutex_);
  return has_leases_ ? shares_.share(who, messages, steady_clock::now()) : 1;
}

void QuotaKeeper::run() {
  for (;;) {
    const Result<void> stepped = step(false);
    note(stepped);
    std::unique_lock lock(mutex_);
    const auto is_due = [&] { return is_stopping_ || (stepped && book_.is_asked(steady_clock::now())); };
    wakes_.wait_for(lock, kRoundEvery, is_due);
    if (is_stopping_) break;
  }
  if (const Result<void> stepped = step(true); !stepped) {
    log::write(log::Level::Warning, "cluster_leases_kept", {{"reason", stepped.error().context()}});
  }
}

void QuotaKeeper::note(const Result<void>& stepped) {
  if (!stepped && stepped.error().code() != ErrorCode::ProtocolError) connection_.close();
  std::string before;
  bool is_away = false;
  {
    const std::lock_guard lock(mutex_);
    const Time at = steady_clock::now();
    if (stepped) {
      heard_at_ = at;
      book_.set_away(false);
    } else if (!connection_.is_open()) {
      book_.set_away(true);
    }
    look_for_silence(at);
    is_away = book_.is_away();
    before = std::exchange(trouble_, stepped ? "" : stepped.error().context());
  }
  leases_away.set(is_away ? 1 : 0);
  if (!stepped && before.empty()) log::write(log::Level::Error, "cluster_leases_away", {{"reason", stepped.error().context()}});
  if (stepped && !before.empty()) log::write(log::Level::Info, "cluster_leases_back", {});
}

Result<void> QuotaKeeper::connect(Time at) {
  if (connection_.is_open()) return {};
  if (at < next_connect_) return Error(ErrorCode::ConnectFailed, trouble_);
  // Not all nodes at once, when a server is back.
  next_connect_ = at + kReconnectPause + std::chrono::milliseconds(random_.below(1'000));
  return connection_.open();
}

Result<void> QuotaKeeper::step(bool gives_all) {
  const Time at = steady_clock::now();
  if (Result<void> connected = connect(at); !connected) return connected;
  const auto look = ledger_.look();
  if (!look) return look.error();
  if (!look->is_member) return Error(ErrorCode::NotFound, "this node was removed from the cluster");
  if (Result<void> noted = note_nodes(look->nodes); !noted) return noted;
  const bool has_leases = look->format >= kQuotaFormat;
  if (has_leases && (reports_ == 0 || (reports_ == 1 && at >= next_report_))) {
    Result<void> reported = report(at);
    if (!reported) ledger_.roll_back();
    if (!reported) return reported;
  }
  std::set<AccountId> wanted;
  if (has_leases) {
    auto found = ledger_.find_wanted();
    if (!found) return found.error();
    wanted = std::move(*found);
  }
  std::vector<LeaseQuestion> questions;
  {
    const std::lock_guard lock(mutex_);
    has_leases_ = has_leases;
    if (has_leases) questions = book_.begin_round(wanted, at, gives_all);
  }
  if (!questions.empty()) {
    std::vector<LeaseAnswer> answers;
    const Result<bool> lasts = make_round(questions, answers);
    if (!lasts) ledger_.roll_back();
    const std::lock_guard lock(mutex_);
    book_.end_round(questions, answers, lasts && *lasts, steady_clock::now());
    if (!lasts) return lasts.error();
    if (!*lasts) return Error(ErrorCode::ConnectionReset, "PostgreSQL did not say that its commit lasts");
  }
  if (has_leases && !gives_all && at >= next_exchange_) return exchange(at);
  return {};
}

// What was sent before there were leases, or while nobody could be asked, and whose account may never be asked for again.
Result<void> QuotaKeeper::report(Time at) {
  const Instant now = clock_.now();
  const auto counted = list_counted(now);
  if (!counted) return counted.error();
  if (Result<void> begun = ledger_.begin(); !begun) return begun;
  const Instant today = std::chrono::floor<std::chrono::days>(now);
  if (reports_ == 0) {
    if (Result<void> spent = ledger_.spend_all(today); !spent) return spent;
  }
  if (Result<void> put = ledger_.report(*counted, today); !put) return put;
  const Result<bool> lasts = ledger_.commit();
  if (!lasts) return lasts.error();
  if (!*lasts) return Error(ErrorCode::ConnectionReset, "PostgreSQL did not say that its commit lasts");
  ++reports_;
  next_report_ = at + kCountedIsWritten;
  return {};
}

Result<std::vector<QuotaLedger::Counted>> QuotaKeeper::list_counted(Instant now) const {
  const auto accounts = directory_.list_accounts();
  if (!accounts) return accounts.error();
  std::vector<QuotaLedger::Counted> counted;
  for (const store::AccountRecord& account : *accounts) {
    if (!account.plan.per_day && !account.plan.per_month) continue;
    const auto day = directory_.counter(account.id, store::CounterPeriod::Day, now);
    if (!day) return day.error();
    const auto month = directory_.counter(account.id, store::CounterPeriod::Month, now);
    if (!month) return month.error();
    if (*month > 0) counted.push_back({account.id, {*day, *month}});
  }
  return counted;
}

Result<bool> QuotaKeeper::make_round(std::span<const LeaseQuestion> questions, std::vector<LeaseAnswer>& answers) {
  lease_rounds.add();
  if (Result<void> begun = ledger_.begin(); !begun) return begun.error();
  const auto rows = ledger_.read(questions);
  if (!rows) return rows.error();
  for (std::size_t i = 0; i < questions.size(); ++i) answers.push_back(decide_lease(questions[i], (*rows)[i], node_, nodes_));
  if (Result<void> written = ledger_.write(questions, answers); !written) return written.error();
  return ledger_.commit();
}

Result<void> QuotaKeeper::exchange(Time at) {
  next_exchange_ = at + kExchangeEvery;
  std::vector<RateShares::Demand> own;
  {
    const std::lock_guard lock(mutex_);
    own = shares_.take_demand(at);
  }
  if (own.empty()) return {};
  const auto others = ledger_.exchange(own);
  if (!others) return others.error();
  const std::lock_guard lock(mutex_);
  shares_.told(own, *others);
  return {};
}

// A start while the database is away goes by it.
Result<void> QuotaKeeper::note_nodes(std::size_t nodes) {
  if (nodes == nodes_) return {};
  if (Result<void> noted = replica_.note_nodes(nodes); !noted) return noted;
  const std::lock_guard lock(mutex_);
  nodes_ = nodes;
  book_.set_nodes(nodes);
  return {};
}

}  // namespace postern::cluster
