#include "app/message_probe.h"

#include "app/config_values.h"
#include "dns/unbound_resolver.h"
#include "provenance/authentication_results.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <utility>

namespace postern::app {
namespace {

// A coroutine's own copies of what it needs.
struct MessageQuestion {
  dns::Resolver* resolver = nullptr;
  const std::string* content = nullptr;
  provenance::SpfSubject subject;
  bool has_client = false;
};

net::Awaitable<void> run_message_probe(MessageQuestion question, std::optional<MessageProbe>& result) {
  MessageProbe probe;
  provenance::MessageCheck check;
  check.append(*question.content);
  provenance::SpfVerdict spf;
  if (question.has_client) {
    spf = co_await provenance::check_spf(*question.resolver, question.subject);
  } else {
    spf.why = "no client address was given";
  }
  probe.verdicts = co_await check.judge(*question.resolver, std::move(spf), question.subject.now);
  const provenance::MessageVerdicts& found = probe.verdicts;
  const std::string& id = question.subject.receiver;
  probe.field = provenance::format_authentication_results(id, question.subject, found.spf, found.dkim, found.arc, found.dmarc);
  for (const std::size_t index : provenance::find_forged_results(check.header(), id)) {
    probe.forged.emplace_back(check.header().fields()[index].value);
  }
  result = std::move(probe);
}

}  // namespace

Result<MessageProbe> probe_message(const Settings& settings, const std::string& content, provenance::SpfSubject subject,
                                   bool has_client, std::chrono::seconds limit) {
  const auto resolver = dns::open_resolver(make_resolver_settings(settings));
  if (!resolver) return Error(ErrorCode::ResolveFailed, "the DNS cannot be asked: " + resolver.error().context());
  std::optional<MessageProbe> probe;
  {
    net::asio::io_context context;
    net::asio::co_spawn(context, run_message_probe({resolver->get(), &content, std::move(subject), has_client}, probe),
                        net::asio::detached);
    context.run_for(limit);
  }
  if (!probe) {
    return Error(ErrorCode::ConnectionTimedOut, "the DNS did not answer within " + std::to_string(limit.count()) + " seconds");
  }
  return std::move(*probe);
}

}  // namespace postern::app
