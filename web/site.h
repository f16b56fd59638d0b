// Site: pages before the API. A request for a page or a file of one is answered here; every other goes on as it came. Any thread.
#pragma once

#include "http/forwarded.h"
#include "http/request_handler.h"
#include "web/pages.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postern::web {

// What the log and the metrics call it.
inline constexpr std::string_view kPageOperation = "getPage";

struct SiteSettings {
  std::vector<std::string> hosts;  // names by which browsers may call; beside IP addresses and localhost
  http::TrustedProxies proxies{};
};

// A page is asked for by GET of /assets/…, or of any other path outside the API by who takes text/html and brings no credential: so
// /domains is a page to a browser and the API's list to a program.
bool asks_for_page(const http::RequestHead& head);

class Site final : public http::RequestHandler {
 public:
  // `inner` outlives this. Without pages everything goes on to it.
  Site(http::RequestHandler& inner, std::unique_ptr<const Pages> pages, SiteSettings settings)
      : inner_(inner), pages_(std::move(pages)), settings_(std::move(settings)) {}

  http::Response refuse(http::Fault fault, std::string_view detail) override { return inner_.refuse(fault, detail); }
  std::unique_ptr<http::Exchange> open_exchange(const http::PeerFacts& peer) override;
  void request_ended(const http::RequestOutcome& outcome) override { inner_.request_ended(outcome); }

 private:
  class PageExchange;

  http::Response answer(const http::RequestHead& head) const;

  http::RequestHandler& inner_;
  std::unique_ptr<const Pages> pages_;
  SiteSettings settings_;
};

}  // namespace postern::web
