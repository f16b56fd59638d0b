// What stands between a credential and a verdict: the key's form, its digest, the directory's look-up, the sandbox rule.
#include "auth/api_key.h"
#include "auth/key_digest.h"
#include "core/random.h"
#include "sandbox/rules.h"
#include "tests/support/temp_store.h"

#include <benchmark/benchmark.h>

namespace postern {
namespace {

void check_key_form(benchmark::State& state) {
  SystemRandom random;
  const auth::KeyScheme scheme;
  const Secret key = auth::generate_api_key(scheme, Environment::Live, random);
  for (auto _ : state) benchmark::DoNotOptimize(auth::check_api_key(scheme, key.reveal()));
}
BENCHMARK(check_key_form);

void digest_key(benchmark::State& state) {
  SystemRandom random;
  const Secret key = auth::generate_api_key({}, Environment::Live, random);
  for (auto _ : state) benchmark::DoNotOptimize(auth::digest_api_key(key.reveal()));
}
BENCHMARK(digest_key);

// One read transaction and one look-up, of an address that is not there.
void look_up_whitelist(benchmark::State& state) {
  test::TempStore store;
  const AccountId account{};
  for (auto _ : state) benchmark::DoNotOptimize(store.directory().is_whitelisted(account, "nobody@example.org"));
}
BENCHMARK(look_up_whitelist);

void judge_rule(benchmark::State& state) {
  bool is_whitelisted = false;
  for (auto _ : state) {
    is_whitelisted = !is_whitelisted;
    benchmark::DoNotOptimize(sandbox::judge(Environment::Live, AccountMode::Sandbox, is_whitelisted));
  }
}
BENCHMARK(judge_rule);

}  // namespace
}  // namespace postern
