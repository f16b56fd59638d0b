#include "net/admission.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace postern::net {
namespace {

IpAddress ip(const char* text) { return parse_ip_address(text).value(); }

TEST(Admission, BoundsAllConnections) {
  Admission admission({.total = 2, .per_address = 10});
  EXPECT_EQ(admission.admit(ip("192.0.2.1")), AdmissionVerdict::Admitted);
  EXPECT_EQ(admission.admit(ip("192.0.2.2")), AdmissionVerdict::Admitted);
  EXPECT_EQ(admission.admit(ip("192.0.2.3")), AdmissionVerdict::TooManyInAll);
}

struct GroupCase {
  const char* name;
  const char* first;
  const char* second;
  AdmissionVerdict verdict;
};

class AdmissionGroups : public testing::TestWithParam<GroupCase> {};

TEST_P(AdmissionGroups, BoundsOneAddressGroup) {
  Admission admission({.total = 10, .per_address = 1});
  ASSERT_EQ(admission.admit(ip(GetParam().first)), AdmissionVerdict::Admitted);
  EXPECT_EQ(admission.admit(ip(GetParam().second)), GetParam().verdict);
}

INSTANTIATE_TEST_SUITE_P(
    Admission, AdmissionGroups,
    testing::Values(GroupCase{"SameIpv4", "192.0.2.1", "192.0.2.1", AdmissionVerdict::TooManyFromAddress},
                    GroupCase{"OtherIpv4", "192.0.2.1", "192.0.2.2", AdmissionVerdict::Admitted},
                    GroupCase{"SameIpv6Prefix", "2001:db8::1", "2001:db8::2:1", AdmissionVerdict::TooManyFromAddress},
                    GroupCase{"OtherIpv6Prefix", "2001:db8::1", "2001:db8:0:1::1", AdmissionVerdict::Admitted},
                    GroupCase{"Loopback", "127.0.0.1", "127.0.0.1", AdmissionVerdict::Admitted}),
    [](const auto& tested) { return tested.param.name; });

TEST(Admission, TakesAnotherAfterARelease) {
  Admission admission({.total = 1, .per_address = 1});
  ASSERT_EQ(admission.admit(ip("192.0.2.1")), AdmissionVerdict::Admitted);
  { const AdmittedPeer peer(admission, ip("192.0.2.1")); }
  EXPECT_EQ(admission.count(), 0U);
  EXPECT_EQ(admission.admit(ip("192.0.2.1")), AdmissionVerdict::Admitted);
}

TEST(Admission, NewLimitsHoldForNewConnections) {
  Admission admission({.total = 1, .per_address = 1});
  ASSERT_EQ(admission.admit(ip("192.0.2.1")), AdmissionVerdict::Admitted);
  admission.set_limits({.total = 2, .per_address = 2});
  EXPECT_EQ(admission.admit(ip("192.0.2.1")), AdmissionVerdict::Admitted);
}

TEST(Admission, CountsAcrossThreads) {
  Admission admission({.total = 1'000'000, .per_address = 1'000'000});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&admission] {
      for (int n = 0; n < 1000; ++n) {
        if (admission.admit(ip("192.0.2.1")) == AdmissionVerdict::Admitted && n % 2 == 0) admission.release(ip("192.0.2.1"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(admission.count(), 2000U);
}

}  // namespace
}  // namespace postern::net
