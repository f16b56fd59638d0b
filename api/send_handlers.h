// The endpoints that send: one e-mail, and a batch.
#pragma once

#include "api/api.h"

namespace postern::api {

// POST /v1/emails. 200 {"id"} once the message is on disk; with "recipients" where some were refused; the refusal itself where
// all were. A replay of an Idempotency-Key answers the first id, with `Idempotency-Replayed: true`.
net::Awaitable<ApiResponse> send_email(ApiContext& context, ApiRequest& request);

// POST /v1/emails/batch: at most kMaxBatchEmails without attachments. {"data": [{"id"} …]}. Strict (the default): nothing is sent
// unless every e-mail may go. With `x-batch-validation: permissive` the others go, and "errors" holds index and message of each
// that did not. An Idempotency-Key stands for the batch: with fewer, more or other
// e-mails it is a conflict, sent again after a failure, it completes what was begun.
net::Awaitable<ApiResponse> send_batch(ApiContext& context, ApiRequest& request);

}  // namespace postern::api
