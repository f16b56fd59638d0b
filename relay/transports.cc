#include "relay/transports.h"

#include "relay/mx_sessions.h"
#include "relay/simulated_transport.h"
#include "relay/smtp_transport.h"
#include "relay/source_book.h"
#include "store/notebook.h"

#include <boost/asio/post.hpp>

#include <utility>

namespace postern::relay {
namespace {

SourceBook::Memory counts_in(store::Notebook* notebook) {
  constexpr auto kTable = store::NotebookTable::WarmUps;
  return {.find =
              [notebook](const std::string& key) {
                auto found = notebook == nullptr ? Result<std::optional<std::string>>(std::nullopt) : notebook->find(kTable, key);
                return found ? std::move(*found) : std::nullopt;
              },
          .put =
              [notebook](const std::string& key, std::string value) {
                if (notebook != nullptr) notebook->put_later(kTable, key, std::move(value));
              },
          .erase =
              [notebook](const std::string& prefix) {
                if (notebook != nullptr) notebook->erase_prefix_later(kTable, prefix);
              }};
}

reports::TlsResults::Memory results_in(store::Notebook& notebook) {
  constexpr auto kTable = store::NotebookTable::TlsResults;
  return {.find =
              [&notebook](const std::string& key) {
                auto found = notebook.find(kTable, key);
                return found ? std::move(*found) : std::nullopt;
              },
          .put = [&notebook](const std::string& key, std::string value) { notebook.put_later(kTable, key, std::move(value)); },
          .erase_day = [&notebook](const std::string& day) { notebook.erase_prefix_later(kTable, day); }};
}

}  // namespace

std::shared_ptr<reports::TlsResults> make_tls_results(store::Notebook& notebook) {
  return std::make_shared<reports::TlsResults>(results_in(notebook));
}

TransportFactory make_transport_factory(net::Executor executor, const store::Spool& spool,
                                        TransportSettings settings) {
  const auto sources = std::make_shared<SourceBook>(counts_in(settings.notebook));
  std::shared_ptr<MxCommon> mx;
  if (settings.resolver != nullptr) {
    mx = std::make_shared<MxCommon>(*settings.resolver, settings.mx_rules, settings.clock, settings.notebook);
    mx->shape(settings.shapers);
    mx->use_sources(sources);
    if (settings.dialogues != nullptr) mx->record_dialogues();
    if (settings.clock != nullptr) mx->use_results(settings.tls_results);
  }
  return [executor, &spool, settings, mx, sources](const std::shared_ptr<const RouteTable>& routes,
                                      const Route* route) -> std::unique_ptr<Transport> {
    if (route == nullptr) return std::make_unique<SimulatedTransport>(settings.simulator_domain, settings.runs, settings.clock);
    const SmtpTransportOptions options{.hostname = settings.hostname,
                                       .timeouts = {},
                                       .signer = settings.signer,
                                       .resolver = settings.resolver,
                                       .return_paths = settings.return_paths,
                                       .sources = sources,
                                       .mx = route->is_mx ? mx : nullptr,
                                       .dialogues = settings.dialogues};
    return std::make_unique<SmtpTransport>(executor, spool, routes, *route, options);
  };
}

void replace_shaping(const net::Executor& executor, std::shared_ptr<ProviderShapers> shapers,
                     std::shared_ptr<const Shaping> shaping) {
  net::asio::post(executor, [shapers = std::move(shapers), shaping = std::move(shaping)] { shapers->use(shaping); });
}

}  // namespace postern::relay
