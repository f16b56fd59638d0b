#include "api/send_handlers.h"

#include "api/email_submission.h"
#include "api/worker_job.h"
#include "core/operator_log.h"
#include "submission/reservation.h"

#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <memory>

namespace postern::api {
namespace {

namespace json = boost::json;

// A body up to this size is read and composed at once: it takes less than a hop to a worker and back.
constexpr std::size_t kInlineOctets = 64 * 1024;

using Prepared = std::variant<PreparedEmail, EmailFault>;

ApiResponse no_key() {
  return api_refusal(Refusal::PermissionDenied, "sending takes an API key: a signed-in user has none in the request");
}

// nullopt: the worker pool is full.
net::Awaitable<std::optional<std::vector<Prepared>>> prepare_all(ApiContext& context, std::size_t body_octets,
                                                                 std::vector<const json::value*> bodies, bool takes_attachments,
                                                                 AccountId account) {
  const EmailLimits limits{context.settings.max_recipients, takes_attachments};
  auto job = [&context, &limits, &bodies] {
    std::vector<Prepared> prepared;
    prepared.reserve(bodies.size());
    for (const json::value* body : bodies) prepared.push_back(prepare_email(*body, limits, context.settings.max_message_octets));
    return prepared;
  };
  if (body_octets <= kInlineOctets) co_return job();
  auto prepared = co_await run_in_turn(context.turns, context.workers, account, job);
  co_return std::move(prepared);
}

// Between a batch's key and an e-mail's place in it. No key of a client's holds it: it is no octet of a field's value.
constexpr char kBatchMark = '\n';

constexpr std::string_view kPermissive = "permissive";
constexpr std::string_view kStrict = "strict";  // also where nothing is said

std::string where(std::size_t index) { return '[' + std::to_string(index) + ']'; }

// Of the plan's rate, before anything is made of the e-mails: whatever becomes of each of them was asked for. Test keys have none.
std::optional<ApiResponse> charge_batch(ApiContext& context, const ApiRequest& request, std::size_t emails) {
  const auth::Principal& who = *request.caller.key;
  const Decision decision =
      submission::take_rate(context.submission.quota, who, static_cast<std::uint32_t>(emails), context.clock.now());
  if (decision.is_accepted()) return std::nullopt;
  operator_log::sender_refused({who.account, who.key, request.peer}, Refusal::RateLimited, std::nullopt);
  return response_of(problem_of(decision));
}

// --- A batch -----------------------------------------------------------------------------------------------------------

class Batch {
 public:
  Batch(ApiContext& context, const ApiRequest& request, bool is_permissive)
      : context_(context), request_(request), is_permissive_(is_permissive) {}

  // All that can be found wrong without sending anything. A response: the batch is refused as a whole. Others are served between
  // two e-mails.
  net::Awaitable<std::optional<ApiResponse>> judge(std::vector<Prepared> prepared, std::optional<std::string> key) {
    const auth::Sha256Digest whole = fingerprint_of_all(prepared);
    for (std::size_t i = 0; i < prepared.size(); ++i) {
      submissions_.push_back(nullptr);
      if (auto* fault = std::get_if<EmailFault>(&prepared[i])) {
        const EmailFault placed{fault->kind, where(i) + ": " + fault->detail};
        if (!is_permissive_) co_return placed.response();
        add_error(i, fault->detail);
        continue;
      }
      auto submission = std::make_unique<EmailSubmission>(context_, request_, std::move(std::get<PreparedEmail>(prepared[i])));
      if (key) submission->set_idempotency_key(*key + kBatchMark + std::to_string(i), whole);
      const auto failure = co_await submission->judge(0);  // charge_batch() took the rate
      if (failure && (!is_permissive_ || concerns_all(*failure))) co_return response_of(*failure, where(i));
      if (failure) {
        add_error(i, failure->message);
      } else {
        submissions_.back() = std::move(submission);
      }
      co_await net::asio::post(net::kAwait);
    }
    co_return std::nullopt;
  }

  net::Awaitable<ApiResponse> send() {
    json::array data;
    // Of equal batches at once, each e-mail may be stored by another: the one that stored the first has made the batch.
    std::optional<bool> is_replay;
    for (std::size_t i = 0; i < submissions_.size(); ++i) {
      if (!submissions_[i]) continue;
      const auto failure = co_await submissions_[i]->send();
      if (failure && !is_permissive_) co_return response_of(*failure, where(i));
      if (failure) {
        add_error(i, failure->message);
        continue;
      }
      data.push_back(submissions_[i]->answer());
      if (!is_replay) is_replay = submissions_[i]->is_replay();
    }
    json::object body;
    body["data"] = std::move(data);
    if (is_permissive_) body["errors"] = std::move(errors_);
    ApiResponse response = ApiResponse::json(body);
    if (is_replay.value_or(false)) response.headers.emplace_back("Idempotency-Replayed", "true");
    co_return response;
  }

 private:
  // The key stands for the batch as a whole: with fewer, more or other e-mails it is another one.
  static auth::Sha256Digest fingerprint_of_all(const std::vector<Prepared>& prepared) {
    auth::Sha256 hash;
    for (const Prepared& one : prepared) {
      const auto* email = std::get_if<PreparedEmail>(&one);
      hash.update_field(email
                            ? std::string_view(reinterpret_cast<const char*>(email->fingerprint.data()), email->fingerprint.size())
                            : std::string_view(std::get<EmailFault>(one).detail));
    }
    return hash.finish();
  }

  // The key, the account or the store, and no message: the next one would get the same answer.
  static bool concerns_all(const DecisionProblem& problem) {
    const auto& refusal = problem.refusal;
    return refusal == Refusal::RateLimited || refusal == Refusal::AccountSuspended || refusal == Refusal::StorageFull ||
           refusal == Refusal::AuthUnavailable || refusal == Refusal::IdempotencyConflict || problem.http_status == 401;
  }

  void add_error(std::size_t index, std::string_view message) {
    errors_.push_back(json::object({{"index", index}, {"message", message}}));
  }

  ApiContext& context_;
  const ApiRequest& request_;
  const bool is_permissive_;
  std::vector<std::unique_ptr<EmailSubmission>> submissions_;  // null: there is an error for it
  json::array errors_;
};

}  // namespace

net::Awaitable<ApiResponse> send_email(ApiContext& context, ApiRequest& request) {
  if (!request.caller.key) co_return no_key();
  const auto key = idempotency_key_of(request);
  if (const auto* fault = std::get_if<EmailFault>(&key)) co_return fault->response();
  const std::vector<const json::value*> bodies = {&request.json};
  auto prepared = co_await prepare_all(context, request.body.size(), bodies, true, request.caller.account);
  if (!prepared) co_return api_problem(ApiProblem::Unavailable);
  if (const auto* fault = std::get_if<EmailFault>(&prepared->front())) co_return fault->response();

  EmailSubmission submission(context, request, std::move(std::get<PreparedEmail>(prepared->front())));
  if (const auto& text = std::get<std::optional<std::string>>(key)) submission.set_idempotency_key(*text, submission.fingerprint());
  const auto refused = co_await submission.judge(1);
  if (refused) co_return response_of(*refused);
  const auto failure = co_await submission.send();
  if (failure) co_return response_of(*failure);
  ApiResponse response = ApiResponse::json(submission.answer());
  if (submission.is_replay()) response.headers.emplace_back("Idempotency-Replayed", "true");
  co_return response;
}

net::Awaitable<ApiResponse> send_batch(ApiContext& context, ApiRequest& request) {
  if (!request.caller.key) co_return no_key();
  const auto key = idempotency_key_of(request);
  if (const auto* fault = std::get_if<EmailFault>(&key)) co_return fault->response();
  const json::array* list = request.json.if_array();
  if (!list || list->empty()) co_return api_problem(ApiProblem::ValidationError, "the body has to be a list of e-mails");
  if (list->size() > kMaxBatchEmails) co_return api_problem(ApiProblem::LimitExceeded, "a batch holds at most 100 e-mails");
  const std::string_view validation = request.header("x-batch-validation");
  const bool is_known = validation.empty() || validation == kStrict || validation == kPermissive;
  if (!is_known) co_return api_problem(ApiProblem::ValidationError, "x-batch-validation: strict or permissive");
  if (auto refused = charge_batch(context, request, list->size())) co_return std::move(*refused);
  std::vector<const json::value*> bodies;
  for (const json::value& body : *list) bodies.push_back(&body);
  auto prepared = co_await prepare_all(context, request.body.size(), std::move(bodies), false, request.caller.account);
  if (!prepared) co_return api_problem(ApiProblem::Unavailable);

  Batch batch(context, request, validation == kPermissive);
  auto refused = co_await batch.judge(std::move(*prepared), std::get<std::optional<std::string>>(key));
  if (refused) co_return std::move(*refused);
  ApiResponse response = co_await batch.send();
  co_return response;
}

}  // namespace postern::api
