// What nearly every management endpoint does: one job on a worker, whose result is the response.
#pragma once

#include "core/result.h"
#include "http/api.h"
#include "http/api_context.h"

#include <utility>

namespace postern::http {

// Runs `job` (→ Result<ApiResponse>) on a worker; an Error becomes its HTTP failure, a full pool 503. What `job` refers to must
// live until this returns.
template <class Job>
net::Awaitable<ApiResponse> answer_on_worker(ApiContext& context, Job job) {
  auto answer = co_await context.workers.run(std::move(job));
  if (!answer) co_return api_problem(ApiProblem::Unavailable);
  if (!*answer) co_return api_error(answer->error());
  co_return std::move(**answer);
}

}  // namespace postern::http
