#include "lab/run_replay.h"

#include "auth/account_admin.h"
#include "auth/authenticator.h"
#include "auth/key_admin.h"
#include "auth/usage_tracker.h"
#include "core/decision.h"
#include "lab/new_run.h"
#include "lab/run_journal.h"
#include "lab/script_text.h"
#include "submission/transaction.h"

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <limits>

namespace postern::lab {
namespace {

constexpr std::string_view kReplayed = "replay";
constexpr std::uint32_t kManyReceived = 1'000;  // the content has the trace fields of its first way in

// Every rule keeps its place, which its chance comes of; those of the session match nothing.
json::value without_sessions(const json::value& script) {
  json::value at_next_hop = script;
  json::value* const rules = at_next_hop.is_object() ? at_next_hop.get_object().if_contains("rules") : nullptr;
  if (!rules || !rules->is_array()) return at_next_hop;
  for (json::value& rule : rules->get_array()) {
    if (rule.is_object() && rule.get_object()["stage"] != "delivery") rule.get_object()["chance"] = 0;
  }
  return at_next_hop;
}

net::Awaitable<Decision> submit(const submission::SubmissionContext& context, const submission::Submitter& submitter,
                                const ExportedMail& mail) {
  submission::Transaction transaction(context, submitter);
  Decision decision = transaction.judge_sender(mail.envelope.reverse_path);
  for (const Recipient& recipient : mail.envelope.recipients) {
    if (decision.is_accepted()) decision = transaction.judge_recipient(recipient);
  }
  if (decision.is_accepted()) decision = transaction.open(mail.envelope, {.helo_name = {}, .protocol = "ESMTPA", .tls = {}});
  if (!decision.is_accepted()) co_return decision;
  for (std::string_view rest = mail.content; !rest.empty();) {
    const std::string_view piece = rest.substr(0, store::kChunkOctets);
    rest.remove_prefix(piece.size());
    const bool has_room = transaction.sink().append(piece);
    if (!has_room) co_await transaction.drain();
  }
  Decision committed = co_await transaction.commit();
  co_return committed;
}

Result<void> submit_now(net::asio::io_context& io, const submission::SubmissionContext& context,
                        const submission::Submitter& submitter, const ExportedMail& mail) {
  std::optional<Decision> decision;
  net::asio::co_spawn(io, submit(context, submitter, mail), [&decision](std::exception_ptr failed, Decision reached) {
    if (!failed) decision = std::move(reached);
  });
  io.restart();
  io.run();
  if (!decision) return Error(ErrorCode::IoError, "a mail could not be taken in");
  if (decision->is_accepted()) return {};
  const Refused* const refused = decision->refused();
  const std::string why = refused ? words_of(*refused) : "simulated";
  return Error(ErrorCode::InvalidArgument, "this version refuses a mail: " + why);
}

struct Actors {
  AccountId account;
  submission::Submitter submitter;
};

Result<Actors> make_actors(store::Store& store, const auth::KeyScheme& scheme, const Clock& clock, Random& random) {
  auth::AccountAdmin accounts(store.directory(), clock, random);
  store::Plan plan;
  plan.per_second = std::numeric_limits<std::uint32_t>::max();
  const auto account = accounts.create({.name = std::string(kReplayed), .plan = plan, .from_domains = {}});
  if (!account) return account.error();
  auth::KeyAdmin keys(store.directory(), scheme, clock, random);
  auth::NewKey wanted;
  wanted.name = kReplayed;
  wanted.environment = Environment::Test;
  const auto key = keys.create(account->id, wanted);
  if (!key) return key.error();
  Actors actors{.account = account->id, .submitter = {}};
  actors.submitter.key = key->record.id;
  return actors;
}

Result<store::RunRecord> make_replayed(const RunExport& run, const AccountId& account, Instant now, Random& random) {
  json::object body{{"run", run.run}, {"seed", run.seed}, {"clock", true}};
  if (!run.script.is_null()) body["script"] = without_sessions(run.script);
  return read_new_run(body, account, now, random);
}

}  // namespace

Result<json::object> replay_run(store::Store& store, net::asio::io_context& io, const RunExport& run,
                                const relay::RunClockSettings& settings, const Clock& clock, Random& random) {
  const auth::KeyScheme scheme;
  auto actors = make_actors(store, scheme, clock, random);
  if (!actors) return actors.error();
  const auto record = make_replayed(run, actors->account, clock.now(), random);
  if (!record) return record.error();
  if (const auto made = store.spool().make_run(*record); !made) return made.error();
  actors->submitter.user_name = record->name;

  const auth::Authenticator authenticator(store.directory(), scheme);
  submission::QuotaTable quota([](const AccountId&, store::CounterPeriod, Instant) { return std::uint64_t{0}; });
  auth::UsageTracker usage;
  relay::RunBook book(store.spool(), compile_script);
  submission::SubmissionSettings rules{.hostname = settings.notices.hostname, .simulator_domain = settings.simulator_domain};
  rules.max_received_fields = kManyReceived;
  const auto routes = std::make_shared<const relay::RouteTable>();
  const submission::SubmissionContext context{store, authenticator, quota, usage, [routes] { return routes; },
                                              [](const store::DueEntry&) {}, clock, random, rules, nullptr, nullptr, &book};
  relay::RunClock run_clock(store, book, random, settings);
  const auto go_to = [&](Duration at) -> Result<void> {
    for (bool has_more = true; has_more;) {
      const auto advance = run_clock.advance_to(actors->account, record->name, record->clock_start + at);
      if (!advance) return advance.error();
      has_more = advance->has_more;
    }
    return {};
  };
  for (const ExportedMail& mail : run.mails) {
    if (const auto moved = go_to(mail.at); !moved) return moved.error();
    if (const auto taken = submit_now(io, context, actors->submitter, mail); !taken) return taken.error();
    if (const auto delivered = run_clock.catch_up(actors->account, record->name); !delivered) return delivered.error();
  }
  if (const auto moved = go_to(run.clock); !moved) return moved.error();
  return make_journal(store.spool(), &book, actors->account, record->name);
}

}  // namespace postern::lab
