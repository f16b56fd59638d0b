// The spool: messages committed in batches and settled again, each batch with its sync. `cpu_us_per_message` is CPU of the
// whole process (the commit thread does the work) divided by messages. TMPDIR says on which disk.
#include "tests/support/temp_store.h"

#include <benchmark/benchmark.h>

#include <ctime>

namespace postern {
namespace {

double process_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

store::Settlement delivered(const MessageId& id, Instant now) {
  store::Settlement settlement;
  settlement.id = id;
  store::RecipientChange& change = settlement.changes.emplace_back();
  change.state.stage = store::RecipientStage::Delivered;
  Event& event = settlement.events.emplace_back();
  event.at = now;
  event.message = id;
  event.type = EventType::RecipientDelivered;
  return settlement;
}

// Accepts `state.range(0)` messages of 4 KiB at once, waits, settles them, waits.
void accept_and_settle(benchmark::State& state) {
  test::TempStore store;
  test::FakeClock clock;
  test::FakeRandom random;
  const std::string content(4096, 'x');
  const auto batch = static_cast<std::size_t>(state.range(0));
  const double before = process_cpu_seconds();
  for (auto _ : state) {
    std::vector<MessageId> ids;
    std::vector<test::Waiter> accepted(batch), settled(batch);
    for (std::size_t i = 0; i < batch; ++i) {
      clock.advance(std::chrono::milliseconds(1));
      ids.push_back(make_message_id(clock.now(), random));
      const test::Draft draft = test::make_draft(ids.back(), clock.now(), {"a.example"});
      auto writer = store.spool().open_message(ids.back());
      writer->append(content);
      store.spool().commit(std::move(writer), draft.new_message(), accepted[i].completion());
    }
    for (test::Waiter& waiter : accepted) waiter.get().value();
    for (std::size_t i = 0; i < batch; ++i) store.spool().settle(delivered(ids[i], clock.now()), settled[i].completion());
    for (test::Waiter& waiter : settled) waiter.get().value();
  }
  const double messages = static_cast<double>(state.iterations()) * static_cast<double>(batch);
  state.counters["cpu_us_per_message"] = (process_cpu_seconds() - before) * 1e6 / messages;
  state.counters["per_second"] = benchmark::Counter(messages, benchmark::Counter::kIsRate);
}
BENCHMARK(accept_and_settle)->Arg(1)->Arg(16)->Arg(64)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace postern
