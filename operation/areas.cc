#include "operation/areas.h"

#include "api/areas.h"
#include "lab/mailpit_api.h"
#include "lab/run_api.h"

#include <vector>

namespace postern::operation {

std::span<const api::ApiArea> all_areas() {
  static const std::vector<api::ApiArea> kAreas = [] {
    const auto of_accounts = api::account_areas();
    std::vector<api::ApiArea> areas(of_accounts.begin(), of_accounts.end());
    areas.push_back(lab::run_api());
    areas.push_back(lab::mailpit_api());
    areas.push_back(account_api());
    areas.push_back(queue_api());
    areas.push_back(order_api());
    areas.push_back(report_api());
    areas.push_back(node_api());
    return areas;
  }();
  return kAreas;
}

}  // namespace postern::operation
