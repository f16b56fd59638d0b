// Dispatcher: from a request to an endpoint and back. Each request goes through the same gates in the same order: TLS, route,
// credential, rate, parameters, content type, JSON and its names; then its handler has it.
#pragma once

#include "http/api.h"
#include "http/api_context.h"
#include "http/auth_filter.h"
#include "http/body_names.h"
#include "http/request_handler.h"
#include "http/request_rate.h"
#include "http/router.h"
#include "http/service_state.h"

#include <memory>
#include <span>

namespace postern::http {

class Dispatcher final : public RequestHandler {
 public:
  // Tells `context` of its own state. Both and the areas' tables outlive this.
  Dispatcher(ApiContext& context, std::span<const ApiArea> areas);
  ~Dispatcher() override;

  std::unique_ptr<Exchange> open_exchange(const PeerFacts& peer) override;
  void request_ended(const RequestOutcome& outcome) override;

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

}  // namespace postern::http
