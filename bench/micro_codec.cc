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
    store::encode(record, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(encode_message);

void decode_message(benchmark::State& state) {
  std::string record;
  store::encode(draft().message, record);
  for (auto _ : state) benchmark::DoNotOptimize(store::decode<store::MessageRecord>(record));
}
BENCHMARK(decode_message);

void encode_event(benchmark::State& state) {
  const Event event = draft().events.front();
  std::string out;
  for (auto _ : state) {
    store::encode(event, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(encode_event);

void decode_event(benchmark::State& state) {
  std::string record;
  store::encode(draft().events.front(), record);
  for (auto _ : state) benchmark::DoNotOptimize(store::decode<Event>(record));
}
BENCHMARK(decode_event);

void encode_delivery(benchmark::State& state) {
  const store::DeliveryRecord record = draft().delivery;
  std::string out;
  for (auto _ : state) {
    store::encode(record, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(encode_delivery);

void decode_delivery(benchmark::State& state) {
  std::string record;
  store::encode(draft().delivery, record);
  for (auto _ : state) benchmark::DoNotOptimize(store::decode<store::DeliveryRecord>(record));
}
BENCHMARK(decode_delivery);

}  // namespace
}  // namespace postern
