#include "cluster/quota_ledger.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace postern::cluster {
namespace {

using store::CounterPeriod;

// Of pg_advisory_xact_lock, for whoever changes leases.
constexpr const char* kBeginLeases = "BEGIN; SELECT pg_advisory_xact_lock(7316043)";

using Column = std::vector<std::optional<std::string>>;

template <class Octets>
std::string octets_parameter(const Octets& octets) {
  return hex_parameter({reinterpret_cast<const char*>(octets.data()), octets.size()});
}

// A period's name in the database: the days from 1970 to its start.
std::string start_parameter(Instant start) {
  return std::to_string(std::chrono::floor<std::chrono::days>(start).time_since_epoch().count());
}

template <class Octets>
Octets read_octets(std::string_view text) {
  Octets octets{};
  if (text.size() == octets.size()) std::ranges::copy(text, octets.begin());
  return octets;
}

double read_double(std::string_view text) {
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Day and month of each question, in this order.
struct Places {
  Column accounts, periods, starts;

  explicit Places(std::span<const LeaseQuestion> questions) {
    for (const LeaseQuestion& question : questions) {
      add(question.account, CounterPeriod::Day, question.day);
      add(question.account, CounterPeriod::Month, start_of_month(question.day));
    }
  }
  void add(const AccountId& account, CounterPeriod period, Instant start) {
    accounts.emplace_back(octets_parameter(account.octets));
    periods.emplace_back(std::to_string(static_cast<int>(period)));
    starts.emplace_back(start_parameter(start));
  }
};

}  // namespace

Result<QuotaLedger::Look> QuotaLedger::look() {
  const auto found = connection_.ask(
      "SELECT format::text, (SELECT count(*) FROM node)::text, (SELECT count(*) FROM node WHERE id = $1::int)::text, "
      "uuid_send(id) FROM cluster",
      {std::to_string(node_)});
  if (!found) return found.error();
  if (found->size() != 1) return Error(ErrorCode::NotFound, "there is no cluster in this database");
  if (read_octets<store::ClusterUuid>(found->text(0, 3)) != membership_.cluster) {
    return Error(ErrorCode::Conflict, "cluster_database is of another cluster than this node");
  }
  return Look{.format = static_cast<std::uint32_t>(found->number(0, 0)),
              .is_member = found->number(0, 2) > 0,
              .nodes = found->number(0, 1)};
}

Result<std::set<AccountId>> QuotaLedger::find_wanted() {
  const auto found = connection_.ask(
      "SELECT DISTINCT account FROM quota_lease WHERE wants AND node <> $1::int AND at > clock_timestamp() - interval '3 s'",
      {std::to_string(node_)});
  if (!found) return found.error();
  std::set<AccountId> wanted;
  for (std::size_t i = 0; i < found->size(); ++i) wanted.insert({read_octets<decltype(AccountId::octets)>(found->text(i, 0))});
  return wanted;
}

Result<void> QuotaLedger::begin() {
  return connection_.run_script(kBeginLeases);
}

Result<std::vector<std::vector<LeaseRow>>> QuotaLedger::read(std::span<const LeaseQuestion> questions) {
  const Places places(questions);
  const auto found = connection_.ask(
      "SELECT q.place::text, l.node::text, l.period::text, l.granted::text, l.spent::text, "
      "(n.at IS NOT NULL AND n.at > clock_timestamp() - interval '10 s')::int::text "
      "FROM unnest($1::bytea[], $2::smallint[], $3::int[]) WITH ORDINALITY AS q (account, period, start, place) "
      "JOIN quota_lease l ON l.account = q.account AND l.period = q.period AND l.start = q.start LEFT JOIN node n ON n.id = l.node",
      {array_parameter(places.accounts), array_parameter(places.periods), array_parameter(places.starts)});
  if (!found) return found.error();
  std::vector<std::vector<LeaseRow>> rows(questions.size());
  for (std::size_t i = 0; i < found->size(); ++i) {
    const std::size_t at = (found->number(i, 0) - 1) / 2;
    if (at >= rows.size()) return Error(ErrorCode::ProtocolError, "PostgreSQL answered what was not asked");
    rows[at].push_back({.node = static_cast<std::uint16_t>(found->number(i, 1)),
                        .period = static_cast<CounterPeriod>(found->number(i, 2)),
                        .granted = found->number(i, 3),
                        .spent = found->number(i, 4),
                        .is_node_heard = found->number(i, 5) == 1});
  }
  return rows;
}

Result<void> QuotaLedger::write(std::span<const LeaseQuestion> questions, std::span<const LeaseAnswer> answers) {
  const Places places(questions);
  Column granted, spent, wants;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const std::uint64_t left = questions[i].left + answers[i].given;
    for (const std::uint64_t held : {answers[i].held.day, answers[i].held.month}) {
      granted.emplace_back(std::to_string(held));
      spent.emplace_back(std::to_string(held - std::min(held, left)));
      wants.emplace_back(answers[i].wants ? "true" : "false");
    }
  }
  const auto put = connection_.ask(
      "INSERT INTO quota_lease (account, period, start, node, granted, spent, wants, at) "
      "SELECT a, p, s, $4::int, g, t, w, clock_timestamp() "
      "FROM unnest($1::bytea[], $2::smallint[], $3::int[], $5::bigint[], $6::bigint[], $7::boolean[]) AS rows (a, p, s, g, t, w) "
      "ON CONFLICT (account, period, start, node) DO UPDATE "
      "SET granted = excluded.granted, spent = excluded.spent, wants = excluded.wants, at = excluded.at",
      {array_parameter(places.accounts), array_parameter(places.periods), array_parameter(places.starts), std::to_string(node_),
       array_parameter(granted), array_parameter(spent), array_parameter(wants)});
  return put ? Result<void>() : put.error();
}

Result<void> QuotaLedger::spend_all(Instant day) {
  const auto lost = connection_.ask(
      "UPDATE quota_lease SET spent = granted, wants = false "
      "WHERE node = $1::int AND start IN ($2::int, $3::int) AND spent < granted",
      {std::to_string(node_), start_parameter(day), start_parameter(start_of_month(day))});
  return lost ? Result<void>() : lost.error();
}

Result<void> QuotaLedger::report(const std::vector<Counted>& counted, Instant day) {
  const std::string today = start_parameter(day);
  const std::string month = start_parameter(start_of_month(day));
  for (std::size_t from = 0; from < counted.size(); from += kLeasesOfARound) {
    Column accounts, days, months;
    for (std::size_t i = from; i < std::min(counted.size(), from + kLeasesOfARound); ++i) {
      accounts.emplace_back(octets_parameter(counted[i].account.octets));
      days.emplace_back(std::to_string(counted[i].use.day));
      months.emplace_back(std::to_string(counted[i].use.month));
    }
    const auto put = connection_.ask(
        "INSERT INTO quota_lease (account, period, start, node, granted, spent, wants, at) "
        "SELECT a, p, s, $1::int, c, c, false, clock_timestamp() "
        "FROM unnest($4::bytea[], $5::bigint[], $6::bigint[]) AS rows (a, d, m), "
        "LATERAL (VALUES (1, $2::int, d), (2, $3::int, m)) AS parts (p, s, c) "
        "ON CONFLICT (account, period, start, node) DO UPDATE SET granted = greatest(quota_lease.granted, excluded.granted), "
        "spent = greatest(quota_lease.spent, excluded.spent), at = excluded.at",
        {std::to_string(node_), today, month, array_parameter(accounts), array_parameter(days), array_parameter(months)});
    if (!put) return put.error();
  }
  return {};
}

Result<bool> QuotaLedger::commit() {
  const auto done = connection_.ask("COMMIT");
  if (done) return connection_.remark().empty();
  if (connection_.is_open()) return done.error();
  return false;
}

void QuotaLedger::roll_back() {
  if (connection_.is_open()) (void)connection_.ask("ROLLBACK");
}

Result<std::vector<RateShares::Demand>> QuotaLedger::exchange(const std::vector<RateShares::Demand>& own) {
  Column who, demands;
  for (const RateShares::Demand& demand : own) {
    who.emplace_back(octets_parameter(demand.who));
    demands.emplace_back(std::to_string(demand.per_second));
  }
  const auto found = connection_.ask(
      "WITH own AS (INSERT INTO rate_demand (who, node, demand, at) SELECT w, $2::int, d, clock_timestamp() "
      "FROM unnest($1::bytea[], $3::real[]) AS rows (w, d) ORDER BY w "
      "ON CONFLICT (who, node) DO UPDATE SET demand = excluded.demand, at = excluded.at) "
      "SELECT who, sum(demand)::text FROM rate_demand WHERE who = ANY ($1::bytea[]) AND node <> $2::int "
      "AND at > clock_timestamp() - interval '3 s' GROUP BY who",
      {array_parameter(who), std::to_string(node_), array_parameter(demands)});
  if (!found) return found.error();
  std::vector<RateShares::Demand> others;
  for (std::size_t i = 0; i < found->size(); ++i) {
    others.push_back({read_octets<RatedId>(found->text(i, 0)), read_double(found->text(i, 1))});
  }
  return others;
}

}  // namespace postern::cluster
