#include "api/own_email.h"

#include "events/mail_scope.h"

namespace postern::api {

bool can_see(const Caller& caller, const store::MessageRecord& message) {
  // What came in was not sent: /v1/inbound has it.
  if (message.account != caller.account || message.origin == store::MessageOrigin::Inbound) return false;
  if (caller.has_test_key() && message.environment != Environment::Test) return false;
  return !caller.has_domain_key() || events::is_mail_of(message, caller.key->from_domains);
}

Result<store::StoredMessage> find_own(const ApiContext& context, const ApiRequest& request) {
  const auto id = parse_message_id(request.path_parameter("id"));
  if (!id) return Error(ErrorCode::NotFound);
  auto stored = context.store.spool().find(*id);
  if (!stored) return stored.error();
  if (!*stored || !can_see(request.caller, (*stored)->message)) return Error(ErrorCode::NotFound);
  return std::move(**stored);
}

Result<std::string> read_content(const store::Spool& spool, const store::MessageRecord& message) {
  std::string content = message.signature_fields;
  content.reserve(content.size() + message.content_octets);
  for (std::uint32_t i = 0; i < message.chunk_count; ++i) {
    const Result<std::string> chunk = spool.read_chunk(message.id, i);
    if (!chunk) return chunk.error();
    content += *chunk;
  }
  return content;
}

ApiResponse content_gone() {
  return api_problem(ApiProblem::NotFound,
                     "the content is kept until the message is delivered, that of a test message a while longer");
}

}  // namespace postern::api
