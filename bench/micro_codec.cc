// The store's records to octets and back.
#include "store/codec.h"
#include "tests/support/temp_store.h"

#include <benchmark/benchmark.h>

namespace postern {
namespace {

test::Draft draft() {
  test::FakeClock clock;
  test::FakeRandom random;
  return test::make_draft(make_message_id(clock.now(), random), clock.now(), {"a.example"});
}

void encode_message(benchmark::State& state) {
  const store::MessageRecord record = draft().message;
  std::string out;
  for (auto _ : state) {
    store::encode_message(record, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(encode_message);

void decode_message(benchmark::State& state) {
  std::string record;
  store::encode_message(draft().message, record);
  for (auto _ : state) benchmark::DoNotOptimize(store::decode_message(record));
}
BENCHMARK(decode_message);

void encode_event(benchmark::State& state) {
  const Event event = draft().events.front();
  std::string out;
  for (auto _ : state) {
    store::encode_event(event, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(encode_event);

}  // namespace
}  // namespace postern
