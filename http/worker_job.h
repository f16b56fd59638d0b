// What nearly every management endpoint does: one job on a worker, whose result is the response. Such a job waits for a sync, or
// reads what may be long.
#pragma once

#include "core/result.h"
#include "http/api.h"
#include "http/api_context.h"

#include <utility>

namespace postern::http {

// Runs `job` (→ Result<ApiResponse>) on one of `workers`; an Error becomes its HTTP failure, a full pool 503. What `job` refers to
// must live until this returns.
template <class Job>
net::Awaitable<ApiResponse> answer_on(net::WorkerPool& workers, Job job) {
  auto answer = co_await workers.run(std::move(job));
  if (!answer) co_return api_problem(ApiProblem::Unavailable);
  if (!*answer) co_return api_error(answer->error());
  co_return std::move(**answer);
}

using Work = Result<ApiResponse> (*)(ApiContext&, const ApiRequest&);

// The endpoint that does `work` on a worker. What changes something waits for its sync, which may be slow, and has workers of its
// own: reads wait for no write.
template <Work work>
net::Awaitable<ApiResponse> on_worker(ApiContext& context, ApiRequest& request) {
  net::WorkerPool& workers = request.method == Method::Get ? context.workers : context.write_workers;
  return answer_on(workers, [&context, &request] { return work(context, request); });
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

}  // namespace postern::http
