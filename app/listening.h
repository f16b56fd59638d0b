// What listeners of both kinds have in common: where they bind, whom they serve, and which certificate they show.
#pragma once

#include "app/config_values.h"
#include "core/clock.h"
#include "net/server.h"

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace postern::app {

// "*" means every address; without IPv6 there is no "::" to take them all.
std::string bind_address(const std::string& configured);
// False for an IPv6 address on a machine without IPv6, with a line in the log.
bool can_bind(const std::string& address);

// In development, where none is configured, a self-signed certificate is made first. NotFound: there is none to make.
Result<net::TlsServerContext> load_certificate(const Settings& settings, const CertificateFiles& files);

enum class Door { Smtp, Mx, Http };

// Which certificate each listener shows, by its position; and which file it came from.
class ShownCertificates {
 public:
  void note(std::size_t listener, const std::string& file, const net::TlsServerContext& context);
  // A line in the log for each file's certificate that has expired, is about to, or does not name `hostname`; and for who watches,
  // when the first of them ends.
  void tell(Door door, const std::string& hostname, Instant now) const;
  bool operator==(const ShownCertificates& other) const { return fingerprints_ == other.fingerprints_; }

 private:
  std::map<std::size_t, std::string> fingerprints_;
  std::map<std::string, net::TlsServerContext> files_;
};

// Fails if its certificate cannot be loaded.
template <class Listener>
Result<net::ListenerOptions> make_listener_options(const Settings& settings, const Listener& listener) {
  net::ListenerOptions options{.address = bind_address(listener.address),
                               .port = static_cast<std::uint16_t>(listener.port),
                               .proxy_networks = make_networks(listener.proxy_networks)};
  if (listener.tls == "none") return options;
  auto context = load_certificate(settings, certificate_files(settings, listener));
  if (!context) return context.error();
  options.tls = std::move(*context);
  return options;
}

// The certificates of `settings` for those listeners of `bound` that are still there and have TLS, by their position; noted in
// `shown`.
template <class Listener>
Result<std::vector<std::pair<std::size_t, net::TlsServerContext>>> load_certificates(const Settings& settings,
                                                                                     const std::vector<Listener>& listeners,
                                                                                     const std::vector<Listener>& bound,
                                                                                     ShownCertificates& shown) {
  std::vector<std::pair<std::size_t, net::TlsServerContext>> contexts;
  for (std::size_t i = 0; i < bound.size(); ++i) {
    const Listener* now = find_listener(listeners, bound[i]);
    if (now == nullptr || now->tls == "none" || bound[i].tls == "none") continue;
    const CertificateFiles files = certificate_files(settings, *now);
    auto context = load_certificate(settings, files);
    if (!context) return context.error();
    shown.note(i, files.certificate, *context);
    contexts.emplace_back(i, std::move(*context));
  }
  return contexts;
}

}  // namespace postern::app
