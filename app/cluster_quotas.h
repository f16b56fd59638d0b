// The quotas that the nodes of a cluster share, as the way in asks for them (submission/quota.h): by the leases of this node.
#pragma once

#include "cluster/quota_keeper.h"
#include "submission/quota.h"

namespace postern::app {

class ClusterQuotas final : public submission::SharedQuotas {
 public:
  // `keeper` outlives this.
  explicit ClusterQuotas(cluster::QuotaKeeper& keeper) : keeper_(keeper) {}

  Standing take(const Question& question, Instant now) override;
  Standing look(const Question& question, Instant now) override;
  void give_back(const AccountId& account, std::uint64_t recipients, Instant taken_at) override;
  double share_of_rate(const std::array<std::uint8_t, 10>& who, double messages) override;

 private:
  cluster::QuotaKeeper& keeper_;
};

}  // namespace postern::app
