// What nearly every management endpoint does: one job on a worker, whose result is the response. Such a job waits for a sync, or
// reads what may be long.
#pragma once

#include "api/api.h"
#include "api/api_context.h"
#include "api/auth_filter.h"
#include "api/representation.h"
#include "core/result.h"

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace postern::api {

// Runs `job` on one of `workers` when it is the account's turn; nullopt: too many of its jobs wait, or the pool is full. What `job`
// refers to must live until this returns.
template <class Job>
net::Awaitable<std::optional<std::invoke_result_t<Job&>>> run_in_turn(AccountTurns& turns, net::WorkerPool& workers,
                                                                      AccountId account, Job job) {
  const std::unique_ptr<AccountTurns::Turn> turn = co_await turns.take(account);
  if (!turn) co_return std::nullopt;
  auto done = co_await workers.run(std::move(job));
  co_return done;
}

// The same for a job (→ Result<ApiResponse>) whose result is the response: an Error becomes its HTTP failure, nullopt 503.
template <class Job>
net::Awaitable<ApiResponse> answer_on(AccountTurns& turns, net::WorkerPool& workers, AccountId account, Job job) {
  auto answer = co_await run_in_turn(turns, workers, account, std::move(job));
  if (!answer) co_return api_problem(ApiProblem::Unavailable, "too many requests of this account wait: try again later");
  if (!*answer) co_return api_error(answer->error());
  co_return std::move(**answer);
}

using Work = Result<ApiResponse> (*)(ApiContext&, const ApiRequest&);

// The endpoint that does `work` on a worker. What changes something waits for its sync, which may be slow, and has workers of its
// own: reads wait for no write. What is read has an ETag.
template <Work work>
net::Awaitable<ApiResponse> on_worker(ApiContext& context, ApiRequest& request) {
  const bool is_read = request.method == Method::Get;
  return answer_on(is_read ? context.turns : context.write_turns, is_read ? context.workers : context.write_workers,
                   request.caller.account, [&context, &request, is_read] {
                     const store::ActorScope acting(is_read ? store::Actor{} : actor_of(context, request));
                     Result<ApiResponse> answer = work(context, request);
                     if (is_read && answer) settle_representation(request, *answer);
                     return answer;
                   });
}

// The same for what is as slow as somebody's name server.
template <Work work>
net::Awaitable<ApiResponse> on_domain_worker(ApiContext& context, ApiRequest& request) {
  return answer_on(context.slow_turns, context.domain_workers, request.caller.account,
                   [&context, &request] {
                     const store::ActorScope acting(actor_of(context, request));
                     return work(context, request);
                   });
}

// The same for what live mail depends on, and what it was: refused to a test key.
template <Work work>
net::Awaitable<ApiResponse> on_worker_live(ApiContext& context, ApiRequest& request) {
  if (request.caller.has_test_key()) {
    co_return api_refusal(Refusal::PermissionDenied, "a test key neither sees nor changes what belongs to live mail");
  }
  auto answer = co_await on_worker<work>(context, request);
  co_return answer;
}

}  // namespace postern::api
