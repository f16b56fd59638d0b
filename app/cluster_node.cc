#include "app/cluster_node.h"

#include "app/config_values.h"

namespace postern::app {

std::string cluster_node_name(const Settings& settings) {
  return settings.cluster_node.empty() ? effective_hostname(settings) : settings.cluster_node;
}

cluster::RowSeal make_row_seal(const domains::KeySeal& seal) {
  return cluster::RowSeal(seal.derive("postern cluster rows"));
}

Secret make_session_secret(const domains::KeySeal& seal) {
  return seal.derive("postern cluster session tokens");
}

ClusterNode::ClusterNode(const Settings& settings, store::Store& store, const domains::KeySeal& seal,
                         const store::Membership& membership)
    : store_(store),
      membership_(membership),
      seal_(make_row_seal(seal)),
      changes_(store, settings.cluster_database, seal_, random_, membership),
      follower_(store, settings.cluster_database, seal_, random_, membership, changes_),
      keeper_(store, settings.cluster_database, clock_, random_, membership),
      quotas_(keeper_),
      claims_(store, settings.cluster_database, clock_, random_, membership) {}

void ClusterNode::start() {
  follower_.start();
  keeper_.start();
  claims_.start();
}

void ClusterNode::stop() {
  claims_.stop();
  keeper_.stop();
  follower_.stop();
  // Behind all that was begun: its completions hand over what touches shared rows.
  (void)store_.directory().write([](store::DirectoryWriter&) { return Result<void>(); });
}

Result<std::unique_ptr<ClusterNode>> ClusterNode::open(const Settings& settings, store::Store& store) {
  if (settings.cluster_database.empty()) return std::unique_ptr<ClusterNode>();
  const auto membership = store::Replica(store.directory()).membership();
  if (!membership) return membership.error();
  if (!*membership) return std::unique_ptr<ClusterNode>();
  const auto seal = domains::KeySeal::read(seal_file(settings));
  if (!seal) return seal.error();
  return std::unique_ptr<ClusterNode>(new ClusterNode(settings, store, *seal, **membership));
}

Result<std::unique_ptr<ClusterNode>> ClusterNode::open_for_server(const Settings& settings, store::Store& store) {
  const auto membership = store::Replica(store.directory()).membership();
  if (!membership) return membership.error();
  if (!*membership && !settings.cluster_database.empty()) {
    return Error(ErrorCode::Conflict, "cluster_database is set, and this node is in no cluster: postern cluster init or join");
  }
  if (*membership && settings.cluster_database.empty()) {
    return Error(ErrorCode::Conflict, "this store belongs to a cluster: set cluster_database, or postern cluster leave");
  }
  return open(settings, store);
}

}  // namespace postern::app
