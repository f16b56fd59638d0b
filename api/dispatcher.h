// Dispatcher: from a request to an endpoint and back. Each request goes through the same gates in the same order: TLS, route,
// credential, rate, parameters, content type, JSON and its names; then its handler has it.
#pragma once

#include "api/api.h"
#include "api/api_context.h"
#include "api/auth_filter.h"
#include "api/body_names.h"
#include "api/request_rate.h"
#include "api/router.h"
#include "api/service_state.h"
#include "http/request_handler.h"

#include <memory>
#include <span>

namespace postern::api {

class Dispatcher final : public http::RequestHandler {
 public:
  // Tells `context` of its own state. Both and the areas' tables outlive this.
  Dispatcher(ApiContext& context, std::span<const ApiArea> areas);
  ~Dispatcher() override;

  http::Response refuse(http::Fault fault, std::string_view detail) override { return api_fault(fault, detail); }
  std::unique_ptr<http::Exchange> open_exchange(const http::PeerFacts& peer) override;
  void request_ended(const http::RequestOutcome& outcome) override;

  // Shutdown begins: /readyz says so from now on, and what needs a credential and has not begun is refused. Any thread.
  void set_draining() { state_.is_draining = true; }

 private:
  class RoutedExchange;

  ApiContext& context_;
  Router router_;
  AuthFilter auth_filter_;
  RequestRate request_rate_;
  std::unique_ptr<const BodyNames> names_;
  AddressRate open_rate_{kOpenRequestsPerSecond};
  ServiceState state_;
};

}  // namespace postern::api
