// Leases of quotas: single rules by hand, and everything that can go wrong together by chance.
#include "cluster/lease_book.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <tuple>

namespace postern::cluster {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using store::CounterPeriod;
using Standing = LeaseBook::Standing;
using Time = LeaseBook::Time;

const Instant kNoon = Instant(std::chrono::sys_days(std::chrono::year(2026) / 11 / 30) + hours(12));
constexpr AccountId kAccount{{1}};

// What the database is to the nodes: rows that one of them at a time reads and writes.
struct Rows {
  using Place = std::tuple<CounterPeriod, Instant, std::uint16_t>;
  struct Row {
    std::uint64_t granted = 0;
    std::uint64_t spent = 0;
    bool wants = false;
  };
  std::map<Place, Row> rows;

  std::vector<LeaseRow> of(const LeaseQuestion& question) const {
    std::vector<LeaseRow> found;
    for (const auto& [place, row] : rows) {
      const auto& [period, start, node] = place;
      const Instant wanted = period == CounterPeriod::Day ? question.day : start_of_month(question.day);
      if (start == wanted) found.push_back({.node = node, .period = period, .granted = row.granted, .spent = row.spent});
    }
    return found;
  }
  void put(const LeaseQuestion& question, const LeaseAnswer& answer, std::uint16_t node) {
    const std::uint64_t left = question.left + answer.given;
    rows[{CounterPeriod::Day, question.day, node}] = {answer.held.day, answer.held.day - left, answer.wants};
    rows[{CounterPeriod::Month, start_of_month(question.day), node}] = {answer.held.month, answer.held.month - left, answer.wants};
  }
  std::set<AccountId> wanted_by_others(std::uint16_t node) const {
    const auto is_one = [&](const auto& row) { return row.second.wants && std::get<2>(row.first) != node; };
    return std::ranges::any_of(rows, is_one) ? std::set{kAccount} : std::set<AccountId>();
  }
};

struct Node {
  std::uint16_t id = 1;
  LeaseBook book = {};
  QuotaUse counted = {};  // on its own disk

  void round(Rows& rows, std::size_t nodes, Time at, bool gives_all = false) {
    const auto questions = book.begin_round(rows.wanted_by_others(id), at, gives_all);
    std::vector<LeaseAnswer> answers;
    for (const auto& question : questions) {
      answers.push_back(decide_lease(question, rows.of(question), id, nodes));
      rows.put(question, answers.back(), id);
    }
    book.set_nodes(nodes);
    book.end_round(questions, answers, true, at);
  }
  Standing take(const QuotaLimits& limits, Instant now, Time at) {
    const Standing standing = book.take(kAccount, limits, counted, 1, now, at).standing;
    if (standing == Standing::Ready) ++counted.day, ++counted.month;
    return standing;
  }
};

TEST(LeaseBook, WaitsForItsFirstLeaseAndSpendsIt) {
  Rows rows;
  Node node;
  const QuotaLimits limits{.day = 1'000, .month = std::nullopt};
  EXPECT_EQ(node.take(limits, kNoon, Time()), Standing::Pending);
  EXPECT_TRUE(node.book.is_asked(Time()));
  node.round(rows, 2, Time());
  for (int i = 0; i < 100; ++i) ASSERT_EQ(node.take(limits, kNoon, Time()), Standing::Ready) << i;
  EXPECT_EQ(node.take(limits, kNoon, Time()), Standing::Pending) << "a lease is no more than was granted";
}

TEST(LeaseBook, LeasesNoMoreThanItsPartOfWhatIsFree) {
  struct Case {
    const char* name;
    QuotaLimits limits;
    std::uint64_t given;
  };
  for (const Case& c : {Case{"much", {1'000'000, {}}, 500}, Case{"little", {100, {}}, 16}, Case{"one", {1, {}}, 1},
                        Case{"nothing", {0, {}}, 0}, Case{"the month is tighter", {1'000, 60}, 10}}) {
    const LeaseQuestion question{.account = kAccount, .limits = c.limits, .day = std::chrono::floor<std::chrono::days>(kNoon),
                                 .held = {}, .is_day_known = true, .is_month_known = true, .asked = 1, .wanted = 500};
    EXPECT_EQ(decide_lease(question, {}, 1, 3).given, c.given) << c.name;
  }
}

TEST(LeaseBook, SaysWhetherAnybodyHasSomethingLeft) {
  Rows rows;
  Node a{.id = 1}, b{.id = 2};
  const QuotaLimits limits{.day = 2, .month = std::nullopt};
  Time at{};
  EXPECT_EQ(a.take(limits, kNoon, at), Standing::Pending);
  a.round(rows, 2, at);
  EXPECT_EQ(a.take(limits, kNoon, at), Standing::Ready);
  EXPECT_EQ(a.take(limits, kNoon, at), Standing::Pending);
  a.round(rows, 2, at);  // the last one is leased now
  EXPECT_EQ(b.take(limits, kNoon, at), Standing::Pending);
  b.round(rows, 2, at);
  EXPECT_EQ(b.take(limits, kNoon, at), Standing::Elsewhere) << "a has one that it may give back";
  a.round(rows, 2, at);  // and does, since it is wanted
  at += kDenialHolds;
  EXPECT_EQ(b.take(limits, kNoon, at), Standing::Pending);
  b.round(rows, 2, at);
  EXPECT_EQ(b.take(limits, kNoon, at), Standing::Ready);
  EXPECT_EQ(b.take(limits, kNoon, at), Standing::Pending);
  b.round(rows, 2, at);
  EXPECT_EQ(b.take(limits, kNoon, at), Standing::Exhausted);
  at += kDenialHolds;
  EXPECT_EQ(a.take(limits, kNoon, at), Standing::Pending);
  a.round(rows, 2, at);
  EXPECT_EQ(a.take(limits, kNoon, at), Standing::Exhausted);
}

TEST(LeaseBook, GivesBackWhatIsNotUsed) {
  Rows rows;
  Node a{.id = 1};
  const QuotaLimits limits{.day = 1'000, .month = 5'000};
  a.take(limits, kNoon, Time());
  a.round(rows, 2, Time());
  a.take(limits, kNoon, Time());
  a.round(rows, 2, Time() + kLeaseIdle);
  for (const auto& [place, row] : rows.rows) EXPECT_EQ(row.granted, 1U);
}

TEST(LeaseBook, CountsAsSpentWhatACrashTookWithIt) {
  Rows rows;
  const QuotaLimits limits{.day = 40, .month = std::nullopt};
  Node a{.id = 1};
  a.take(limits, kNoon, Time());
  a.round(rows, 2, Time());
  ASSERT_EQ(a.take(limits, kNoon, Time()), Standing::Ready);
  Node again{.id = 1, .counted = a.counted};
  again.take(limits, kNoon, Time());
  again.round(rows, 2, Time());
  std::uint64_t granted = rows.rows.begin()->second.granted;
  EXPECT_EQ(granted, 10U + 7U) << "the lease that was lost, and a new one of what is free";
}

TEST(LeaseBook, SpendsAShareOfWhatWasFreeWhileNobodyCanBeAsked) {
  Rows rows;
  const QuotaLimits limits{.day = 90, .month = std::nullopt};
  Node a{.id = 1};
  a.take(limits, kNoon, Time());
  a.round(rows, 3, Time());  // leases 15, 75 are free
  a.book.set_away(true);
  int count = 0;
  while (a.take(limits, kNoon, Time()) == Standing::Ready) ++count;
  EXPECT_EQ(count, 15 + 25);
  EXPECT_EQ(a.take(limits, kNoon, Time()), Standing::Elsewhere);
  Node again{.id = 1, .counted = a.counted};
  again.book.set_nodes(3);
  again.book.set_away(true);
  EXPECT_EQ(again.take(limits, kNoon, Time()), Standing::Elsewhere) << "a start gives nothing anew";
  again.book.set_away(false);
  again.take(limits, kNoon, Time());
  again.round(rows, 3, Time());
  EXPECT_EQ(std::get<0>(*rows.rows.begin()), (Rows::Place{CounterPeriod::Day, std::chrono::floor<std::chrono::days>(kNoon), 1}));
  EXPECT_GE(rows.rows.begin()->second.granted, 40U) << "what was spent beside the lease is told";
}

TEST(LeaseBook, HasOneShareUntilTheDatabaseHasHeardOfIt) {
  Rows rows;
  const QuotaLimits limits{.day = 90, .month = std::nullopt};
  Node a{.id = 1};
  a.take(limits, kNoon, Time());
  a.round(rows, 3, Time());  // leases 15, 75 are free
  a.book.set_away(true);
  for (int i = 0; i < 30; ++i) ASSERT_EQ(a.take(limits, kNoon, Time()), Standing::Ready);
  const auto questions = a.book.begin_round({}, Time());
  ASSERT_EQ(questions.size(), 1U);
  const std::vector answers{decide_lease(questions[0], rows.of(questions[0]), 1, 3)};
  ASSERT_EQ(a.take(limits, kNoon, Time()), Standing::Ready);  // of the share, while the round is under way
  a.book.end_round(questions, answers, true, Time());
  int count = 31;
  while (a.take(limits, kNoon, Time()) == Standing::Ready) ++count;
  EXPECT_EQ(count, 15 + 25);
}

TEST(LeaseBook, KeepsTheMonthsCountOverMidnight) {
  Rows rows;
  const QuotaLimits limits{.day = std::nullopt, .month = 100};
  Node a{.id = 1};
  const Instant first = Instant(std::chrono::sys_days(std::chrono::year(2026) / 11 / 3)) - seconds(1);
  for (int i = 0; i < 30; ++i) {
    if (a.take(limits, first, Time()) != Standing::Pending) continue;
    a.round(rows, 2, Time());
    a.take(limits, first, Time());
  }
  const std::uint64_t before = a.counted.month;
  a.counted.day = 0;
  a.take(limits, first + seconds(2), Time());
  a.round(rows, 2, Time());
  a.round(rows, 2, Time() + kLeaseIdle);
  const Rows::Row month = rows.rows[{CounterPeriod::Month, start_of_month(first), 1}];
  EXPECT_EQ(month.granted, a.counted.month) << "no lease of yesterday is lost in it";
  EXPECT_GE(a.counted.month, before);
}

TEST(LeaseBook, HeedsALowerLimitAtOnce) {
  Rows rows;
  Node a{.id = 1};
  a.take({.day = 10'000, .month = std::nullopt}, kNoon, Time());
  a.round(rows, 1, Time());
  EXPECT_EQ(a.take({.day = 0, .month = std::nullopt}, kNoon, Time()), Standing::Pending);
  a.round(rows, 1, Time());
  EXPECT_EQ(a.take({.day = 0, .month = std::nullopt}, kNoon, Time()), Standing::Exhausted);
}

// --- Everything at once ---

// Nodes that send, stop, crash, lose answers, are cut off and live through midnights; seen from outside, who counts what was
// really accepted.
class Schedule {
 public:
  explicit Schedule(unsigned seed) : chance_(seed) {
    nodes_.resize(pick(1, 4));
    for (std::size_t i = 0; i < nodes_.size(); ++i) nodes_[i].id = static_cast<std::uint16_t>(i + 1);
    was_away_.assign(nodes_.size(), false);
    limits_.day = pick(0, 60);
    if (pick(0, 1) == 0) limits_.month = pick(0, 150);
    if (limits_.month && pick(0, 3) == 0) limits_.day.reset();
    may_be_away_ = pick(0, 1) == 0;
    now_ = kNoon - std::chrono::days(pick(0, 3));
  }

  void run() {
    for (int step = 0; step < 120; ++step) act();
  }

 private:
  std::uint64_t pick(std::uint64_t from, std::uint64_t to) {
    return std::uniform_int_distribution<std::uint64_t>(from, to)(chance_);
  }

  void act() {
    Node& node = nodes_[pick(0, nodes_.size() - 1)];
    switch (pick(0, 15)) {
      case 0: case 1: case 2: case 3: case 4:
        return send(node, pick(1, 12));
      case 5: case 6: case 7: case 8:
        return round(node, true, true);
      case 9:
        return round(node, true, false);  // the commit lasts, its answer is lost
      case 10:
        return round(node, false, false);
      case 11:
        return turn_away(node);
      case 12:
        if (pick(0, 3) == 0) restart(node, pick(0, 1) == 0);
        return;
      case 13:
        if (node.counted.day > 0 && pick(0, 1) == 0) return;
        at_ += milliseconds(pick(0, 12'000));
        return;
      case 14:
        if (pick(0, 5) == 0) pass(hours(pick(1, 14)));
        return;
      default:
        return abandon(node);
    }
  }

  void send(Node& node, std::uint64_t count) {
    const Instant day = std::chrono::floor<std::chrono::days>(now_);
    for (; count > 0; --count) {
      // As QuotaTable does: what a node counted itself bounds it too.
      if (limits_.day && node.counted.day >= *limits_.day) return;
      if (limits_.month && node.counted.month >= *limits_.month) return;
      if (node.take(limits_, now_, at_) != Standing::Ready) return;
      ++accepted_day_[day];
      ++accepted_month_[start_of_month(day)];
    }
    check();
  }

  void abandon(Node& node) {
    const Instant day = std::chrono::floor<std::chrono::days>(now_);
    if (accepted_day_[day] == 0 || node.counted.day == 0) return;
    node.book.give_back(kAccount, 1, now_);
    --node.counted.day;
    --node.counted.month;
    --accepted_day_[day];
    --accepted_month_[start_of_month(day)];
  }

  void round(Node& node, bool lasts, bool is_heard) {
    if (node.book.is_away() && is_heard) node.book.set_away(false);
    if (node.book.is_away()) return;
    const auto questions = node.book.begin_round(rows_.wanted_by_others(node.id), at_);
    std::vector<LeaseAnswer> answers;
    for (const auto& question : questions) {
      answers.push_back(decide_lease(question, rows_.of(question), node.id, nodes_.size()));
      if (lasts) rows_.put(question, answers.back(), node.id);
    }
    if (pick(0, 2) == 0) send(node, pick(1, 5));  // mail does not wait for it
    node.book.set_nodes(nodes_.size());
    node.book.end_round(questions, answers, is_heard, at_);
  }

  void turn_away(Node& node) {
    if (!may_be_away_) return;
    node.book.set_away(true);
    was_away_[node.id - 1U] = true;
  }

  void restart(Node& node, bool is_clean) {
    const bool is_away = node.book.is_away();
    if (is_clean && !is_away) node.round(rows_, nodes_.size(), at_, true);
    if (!is_clean && !may_be_away_) forget(node);
    node.book = LeaseBook();
    node.book.set_nodes(nodes_.size());
    node.book.set_away(is_away);
  }

  // What it counted and had not written down; the database knows better.
  void forget(Node& node) {
    node.counted.day = pick(0, node.counted.day);
    node.counted.month = std::max(node.counted.day, pick(0, node.counted.month));
  }

  void pass(hours time) {
    const Instant before = now_;
    now_ += time;
    const bool is_new_day = std::chrono::floor<std::chrono::days>(before) != std::chrono::floor<std::chrono::days>(now_);
    const bool is_new_month = start_of_month(before) != start_of_month(now_);
    for (Node& node : nodes_) {
      if (is_new_day) node.counted.day = 0;
      if (is_new_month) node.counted.month = 0;
    }
  }

  // With nobody away: the limit, exactly. Each that was away may have spent one share of all beside it.
  std::uint64_t bound(std::uint64_t limit) const {
    const auto away = static_cast<std::uint64_t>(std::ranges::count(was_away_, true));
    return limit + away * limit / nodes_.size();
  }
  void check() {
    for (const auto& [day, count] : accepted_day_) {
      const std::uint64_t most = limits_.day ? bound(*limits_.day) : count;
      ASSERT_LE(count, most) << "of a day of " << nodes_.size() << " nodes";
    }
    for (const auto& [month, count] : accepted_month_) {
      const std::uint64_t most = limits_.month ? bound(*limits_.month) : count;
      ASSERT_LE(count, most) << "of a month of " << nodes_.size() << " nodes";
    }
  }

  std::mt19937 chance_;
  std::vector<Node> nodes_;
  std::vector<bool> was_away_;
  QuotaLimits limits_;
  bool may_be_away_ = false;
  Instant now_;
  Time at_{};
  Rows rows_;
  std::map<Instant, std::uint64_t> accepted_day_;
  std::map<Instant, std::uint64_t> accepted_month_;
};

// POSTERN_SCHEDULES=1000000: scripts/torture leases.
TEST(LeaseBook, KeepsItsBoundsUnderEverySchedule) {
  const char* const wanted = std::getenv("POSTERN_SCHEDULES");
  const unsigned count = wanted == nullptr ? 5'000 : static_cast<unsigned>(std::stoul(wanted));
  for (unsigned seed = 0; seed < count; ++seed) {
    SCOPED_TRACE("schedule " + std::to_string(seed));
    Schedule(seed).run();
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

}  // namespace
}  // namespace postern::cluster
