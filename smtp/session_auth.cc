// AUTH (RFC 4954): when it is taken, the exchange, and what its outcome says and counts. The credential leaves the session with
// the question; nothing of it is kept here.
#include "smtp/capabilities.h"
#include "smtp/session_impl.h"

namespace postern::smtp {

void Session::Impl::authenticate(std::string_view argument) {
  if (config.role == Role::Mx) return say(replies::k502_5_5_1_not_offered);
  if (is_authenticated) return say(replies::k503_5_5_1_already_authenticated);
  if (!may_authenticate(config, tls.has_value())) return refuse(Refusal::TlsRequired);
  const std::size_t space = argument.find(' ');
  if (argument.empty()) return say(replies::k501_5_5_4_bad_argument);
  sasl = SaslExchange::start(argument.substr(0, space));
  if (!sasl) return say(replies::k504_5_5_4_unknown_mechanism);
  const bool has_initial = space != std::string_view::npos;
  take_sasl(sasl->begin(has_initial ? std::optional(argument.substr(space + 1)) : std::nullopt));
}

void Session::Impl::run_auth_response(std::string_view line) { take_sasl(sasl->respond(line)); }

void Session::Impl::take_sasl(SaslOutcome outcome) {
  if (const auto* challenge = std::get_if<SaslChallenge>(&outcome)) {
    // RFC 4954 §4: the blank behind 334 stands before an empty challenge too.
    output.append("334 ").append(challenge->base64).append("\r\n");
    phase = Phase::AuthResponse;
    return;
  }
  phase = Phase::Commands;
  sasl.reset();
  if (auto* credential = std::get_if<Credential>(&outcome)) {
    asked = Authenticate{std::move(*credential)};
    return;
  }
  switch (std::get<SaslFailure>(outcome)) {
    case SaslFailure::Cancelled: return say(replies::k501_5_7_0_auth_cancelled);
    case SaslFailure::BadBase64: return say(replies::k501_5_5_2_bad_base64);
    case SaslFailure::WrongShape:
      note(Refusal::InvalidKey);
      return fail_authentication(refusal_status(Refusal::InvalidKey));
    case SaslFailure::BadUserName:
      note(Refusal::InvalidUserName);
      return fail_authentication(refusal_status(Refusal::InvalidUserName));
  }
}

void Session::Impl::take_auth_answer(const Verdict& verdict) {
  if (verdict.is_accepted()) {
    is_authenticated = true;
    return say_accepted(verdict, replies::k235_2_7_0_authenticated);
  }
  if (verdict.ends_session()) return say_refused(verdict);
  // 454: the store could not answer, and the client did nothing wrong.
  if (verdict.status().is_transient()) return say(verdict.status());
  fail_authentication(verdict.status());
}

void Session::Impl::fail_authentication(const Status& status) {
  say(status);
  if (++auth_failures_ < config.max_auth_failures || is_closing) return;
  note(Refusal::TooManyFailures);
  append_reply(output, refusal_status(Refusal::TooManyFailures));
  end_session("AUTH", true);
}

}  // namespace postern::smtp
