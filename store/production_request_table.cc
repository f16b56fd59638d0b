// Production requests; see the header.
#include "store/production_request_table.h"

#include "store/codec.h"
#include "store/directory.h"
#include "store/record_table.h"

namespace postern::store {

Result<std::optional<ProductionRequest>> find_production_request(Transaction& transaction, const AccountId& account) {
  return find_record(transaction, DirectoryTable::ProductionRequests, octets_of(account.octets), decode_production_request);
}

Result<std::vector<ProductionRequest>> list_production_requests(Transaction& transaction) {
  return list_records(transaction, DirectoryTable::ProductionRequests, {}, decode_production_request);
}

Result<void> put_production_request(WriteTransaction& transaction, const ProductionRequest& request) {
  if (request.use_case.size() > kMaxUseCaseOctets) {
    return Error(ErrorCode::InvalidArgument,
                 "a use case is told in at most " + std::to_string(kMaxUseCaseOctets) + " octets");
  }
  std::string record;
  encode_production_request(request, record);
  return WritableTable(transaction, DirectoryTable::ProductionRequests).put(octets_of(request.account.octets), record);
}

Result<void> erase_production_request(WriteTransaction& transaction, const AccountId& account) {
  WritableTable requests(transaction, DirectoryTable::ProductionRequests);
  if (Result<bool> erased = requests.erase(octets_of(account.octets)); !erased) return erased.error();
  return {};
}

}  // namespace postern::store
