#include "app/tls_reporting.h"

#include "app/config_values.h"
#include "core/mailbox.h"
#include "store/directory.h"

#include <chrono>
#include <utility>

namespace postern::app {
namespace {

// Whoever has verified the domain: its keys sign for it. Null: nobody has.
AccountId owner_of(const store::Directory& directory, const std::string& address) {
  const auto mailbox = parse_mailbox(address);
  if (!mailbox) return {};
  const auto domain = directory.find_domain_named(store::kVerifiedOwner, normalised_domain(mailbox->domain));
  return domain && *domain ? (*domain)->account : AccountId{};
}

}  // namespace

std::unique_ptr<net::Task> make_tls_reports(const Settings& settings, relay::TlsReporterParts parts) {
  if (settings.tls_report_from.empty()) return nullptr;
  relay::TlsReporterSettings reporter{.from = settings.tls_report_from,
                                      .submitter = normalised_domain(effective_hostname(settings)),
                                      .owner = {},
                                      .spread = std::chrono::minutes(settings.tls_report_spread_minutes),
                                      .allows_special = settings.allow_special_destinations};
  reporter.owner = [&directory = parts.store.directory(), from = settings.tls_report_from] { return owner_of(directory, from); };
  return relay::TlsReporter::make_task(std::make_shared<relay::TlsReporter>(std::move(parts), std::move(reporter)));
}

}  // namespace postern::app
