// This process as part of a node of a cluster: what the settings and the store say about it, and the directory's changes from here
// on. Without cluster_database there is none, and nothing of cluster/ runs.
#pragma once

#include "app/cluster_quotas.h"
#include "app/settings.h"
#include "cluster/claim_keeper.h"
#include "cluster/follower.h"
#include "cluster/quota_keeper.h"
#include "cluster/row_seal.h"
#include "cluster/shared_directory.h"
#include "core/clock.h"
#include "core/random.h"
#include "core/result.h"
#include "domains/key_seal.h"
#include "store/store.h"

#include <memory>
#include <string>

namespace postern::app {

std::string cluster_node_name(const Settings& settings);
// Keys for what the nodes share, made from the one file that all of them have.
cluster::RowSeal make_row_seal(const domains::KeySeal& seal);
Secret make_session_secret(const domains::KeySeal& seal);

class ClusterNode {
 public:
  // Null: no cluster, or the store has not joined it yet. The store outlives it. Errors: those of the key file.
  static Result<std::unique_ptr<ClusterNode>> open(const Settings& settings, store::Store& store);
  // For a server: it neither starts as a node that has not joined, nor without the cluster that its store belongs to. Conflict.
  static Result<std::unique_ptr<ClusterNode>> open_for_server(const Settings& settings, store::Store& store);

  // The server's; the command line follows nothing.
  void start();
  // Behind everything that writes, and before this ends.
  void stop();
  cluster::FollowState state() const { return follower_.state(); }
  cluster::SharedDirectory& changes() { return changes_; }
  submission::SharedQuotas& quotas() { return quotas_; }
  store::ClaimLog& claims() { return claims_; }
  const store::Membership& membership() const { return membership_; }

 private:
  ClusterNode(const Settings& settings, store::Store& store, const domains::KeySeal& seal, const store::Membership& membership);

  store::Store& store_;
  const store::Membership membership_;
  SystemClock clock_;
  SystemRandom random_;
  cluster::RowSeal seal_;
  cluster::SharedDirectory changes_;
  cluster::Follower follower_;
  cluster::QuotaKeeper keeper_;
  ClusterQuotas quotas_;
  cluster::ClaimKeeper claims_;
};

}  // namespace postern::app
