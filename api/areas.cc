#include "api/areas.h"

namespace postern::api {

std::span<const ApiArea> account_areas() {
  static const ApiArea kAreas[] = {
      session_api(),
      member_api(),
      key_api(),
      email_api(),
      preview_api(),
      sandbox_api(),
      domain_api(),
      event_api(),
      webhook_api(),
      suppression_api(),
      unsubscribe_api(),
      confirmation_api(),
      usage_api(),
      stats_api(),
      audit_api(),
      refusal_api(),
      inbound_api(),
      receiving_api(),
      mailkite_api(),
      explain_api(),
      service_api(),
  };
  return kAreas;
}

}  // namespace postern::api
