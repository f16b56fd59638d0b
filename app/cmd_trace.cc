// postern trace: a dialogue with a mail host as the queue would have it, as far as RCPT.
#include "app/commands.h"

#include "app/config_values.h"
#include "app/delivery_trace.h"
#include "core/mailbox.h"

namespace postern::app {

Result<void> trace_mail(CommandContext& context, const TraceOptions& options) {
  const std::string address = options.address.find('@') == std::string::npos ? "postmaster@" + options.address : options.address;
  const auto recipient = parse_mailbox(address);
  if (!recipient) return Error(ErrorCode::InvalidArgument, printable(options.address) + " is neither an address nor a domain");
  std::optional<Mailbox> sender;
  if (!options.sender.empty()) {
    const auto parsed = parse_mailbox(options.sender);
    if (parsed) sender = *parsed;
    if (!parsed) return Error(ErrorCode::InvalidArgument, printable(options.sender) + " is no address");
  }
  const relay::RouteTable routes = make_route_table(context.settings());
  const relay::Route* const route = routes.find(normalised_domain(recipient->domain));
  if (route == nullptr) return Error(ErrorCode::Conflict, "no route leads to " + printable(recipient->domain));
  if (!route->is_mx) {
    return Error(ErrorCode::Conflict,
                 "route " + route->name + " leads to a smarthost: postern doctor --route " + route->name + " tries it");
  }
  const auto trace = trace_delivery(context.settings(), *route, sender, *recipient, std::chrono::seconds(options.seconds));
  if (!trace) return trace.error();
  const std::string last = format_status(trace->status);
  context.print(json::object{{"recipient", format_mailbox(*recipient)},
                             {"remote", trace->remote},
                             {"taken", trace->is_taken},
                             {"status", last},
                             {"dialogue", trace->dialogue}},
                trace->dialogue + "* " + trace->remote + (trace->is_taken ? ": would take mail for " : ": no mail for ") +
                    printable(format_mailbox(*recipient)) + (trace->is_taken ? "" : ": " + printable(last)) + "\n");
  return trace->is_taken ? Result<void>() : Error(ErrorCode::Conflict, "it is not taken");
}

}  // namespace postern::app
