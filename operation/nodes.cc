// /v1/nodes: the machines that share the directory, and how far each of them is.
#include "api/api.h"
#include "api/api_context.h"
#include "api/worker_job.h"
#include "operation/areas.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace postern::operation {
namespace {

using namespace api;
namespace json = boost::json;

Result<ApiResponse> list_nodes(ApiContext& context, const ApiRequest&) {
  json::object answer{{"object", "list"}, {"latest", nullptr}, {"has_more", false}};
  json::array data;
  if (context.nodes) {
    const auto all = context.nodes();
    if (!all) return all.error();
    answer["latest"] = all->latest;
    for (const ClusterNodes::Node& node : all->nodes) {
      data.push_back(json::object{{"object", "node"},
                                  {"name", node.name},
                                  {"is_this_one", node.is_this_one},
                                  {"version", node.version},
                                  {"behind", all->latest > node.version ? all->latest - node.version : 0},
                                  {"silent_for_ms", node.silent_for.count()},
                                  {"is_silent", node.is_silent}});
    }
  }
  answer["data"] = std::move(data);
  answer["next"] = nullptr;
  return ApiResponse::json(answer);
}

constexpr Route kNodeRoutes[] = {{.method = Method::Get,
                                  .path = "/v1/nodes",
                                  .access = Access::Operate,
                                  .body = Body::None,
                                  .handler = on_worker<list_nodes>,
                                  .operation = "listNodes",
                                  .summary = "The machines of the cluster, and how far each of them is; empty where there is one",
                                  .tag = "operation",
                                  .response_schema = "NodeList"}};

constexpr std::string_view kNodeSchemas = R"({
  "ClusterNode": {"type": "object",
    "required": ["object", "name", "is_this_one", "version", "behind", "silent_for_ms", "is_silent"], "properties": {
    "object": {"const": "node"}, "name": {"type": "string"},
    "is_this_one": {"type": "boolean", "description": "That answers."},
    "version": {"type": "integer", "description": "Of the shared directory: up to where its changes are in force there."},
    "behind": {"type": "integer", "description": "Changes that are not in force there yet."},
    "silent_for_ms": {"type": "integer", "description": "Since it was last heard of."},
    "is_silent": {"type": "boolean", "description": "For so long that a change does not wait for it."}}},
  "NodeList": {"type": "object", "required": ["object", "latest", "has_more", "data", "next"], "properties": {
    "object": {"const": "list"}, "has_more": {"const": false}, "next": {"type": "null"},
    "latest": {"type": ["integer", "null"], "description": "The newest version; null: one machine, no cluster."},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/ClusterNode"}}}}
})";

}  // namespace

ApiArea node_api() { return {kNodeRoutes, kNodeSchemas}; }

}  // namespace postern::operation
