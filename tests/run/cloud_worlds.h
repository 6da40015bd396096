/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* world.json of tests/e2e/cloud.py, with ' for ": where a VM can find itself. */
#ifndef VPCGATE_CLOUD_WORLDS_H
#define VPCGATE_CLOUD_WORLDS_H

#define OWN_MAC "42:01:0a:0a:00:46" /* the default world's too */
#define SECOND_MAC "42:01:0a:14:00:02"

/* The VM's project is 101 everywhere; 202 is the host project of a Shared VPC. */
#define NIC_A                                                       \
	"{'mac':'" OWN_MAC "','network':'projects/101/networks/a'," \
	"'ip':'10.1.0.2','subnetmask':'255.255.255.0'}"
#define NIC_B                                                          \
	"{'mac':'" SECOND_MAC "','network':'projects/101/networks/b'," \
	"'ip':'10.2.0.2','subnetmask':'255.255.255.0'}"
#define NIC_HUB                                                          \
	"{'mac':'" SECOND_MAC "','network':'projects/202/networks/hub'," \
	"'ip':'10.20.0.2','subnetmask':'255.255.255.0'}"
#define SUBNET_A "{'name':'a','network':'a','region':'us-east1','ipCidrRange':'10.1.0.0/24'}"
#define SUBNET_B "{'name':'b','network':'b','region':'us-east1','ipCidrRange':'10.2.0.0/24'}"
#define SUBNET_HUB "{'name':'hub','network':'hub','region':'us-east1','ipCidrRange':'10.20.0.0/24'}"
#define PROJECT_HUB "'202':{'id':'the-hub','may_list':true,'subnetworks':[" SUBNET_HUB "]}"

#define SCOPES "{'scopes':['https://www.googleapis.com/auth/"

static const char world_shared[] = "{'nics':[" NIC_HUB "],'projects':{" PROJECT_HUB "}}";
static const char world_shared_forbidden[] = "{'nics':[" NIC_HUB "],'projects':{'202':{}}}";
static const char world_two_nics[] =
	"{'nics':[" NIC_A "," NIC_B "],'projects':{'101':"
	"{'may_list':true,'subnetworks':[" SUBNET_A "," SUBNET_B "]}}}";
static const char world_both_kinds[] =
	"{'nics':[" NIC_A "," NIC_HUB "],'projects':{'101':"
	"{'may_list':true,'subnetworks':[" SUBNET_A "]}," PROJECT_HUB "}}";
static const char world_no_nics[] = "{'nics':[]}";
static const char world_odd_network[] =
	"{'nics':[{'mac':'" OWN_MAC "','network':'projects/101/networks/x%22+or+1'}]}";
static const char world_broad_network[] =
	"{'nics':[{'mac':'" OWN_MAC "','network':'projects/101/networks/x.y'}]}";

static const char world_region_down[] =
	"{'nics':[" NIC_A "],'projects':{'101':{'may_list':true,'unreachable':['europe-west9'],"
	"'subnetworks':[" SUBNET_A "]}}}";
static const char world_nat[] =
	"{'nics':[" NIC_A "],'projects':{'101':{'may_list':true,'subnetworks':[" SUBNET_A ","
	"{'name':'nat','network':'a','region':'us-east1','ipCidrRange':'10.2.0.0/24',"
	"'purpose':'PRIVATE_NAT'}]}}}";
static const char world_many_subnets[] =
	"{'projects':{'101':{'may_list':true,'subnetworks':"
	"[{'generate':1205,'network':'prod','region':'us-east1'}]}}}";
static const char world_small_pages[] = "{'page_size':1}";

static const char world_usable[] = "{'nics':[" NIC_A "],'projects':{'101':{'usable':['a','b'],"
				   "'subnetworks':[" SUBNET_A "," SUBNET_B "]}}}";
static const char world_none_usable[] =
	"{'nics':[" NIC_A "],'projects':{'101':{'usable':[],'subnetworks':[" SUBNET_A "]}}}";
static const char world_forbidden[] = "{'projects':{'101':{}}}";
static const char world_no_account[] = "{'service_account':null}";
static const char world_other_scopes[] =
	"{'service_account':" SCOPES "devstorage.read_only'],'expires_in':3599}}";
static const char world_compute_scope[] =
	"{'service_account':" SCOPES "compute.readonly'],'expires_in':3599}}";
/* Too short-lived for a second page; and refused for any other page. */
static const char world_short_tokens[] =
	"{'page_size':1,'service_account':" SCOPES "cloud-platform'],'expires_in':60}}";
static const char world_single_use_tokens[] =
	"{'page_size':1,'projects':{'101':{'may_list':true,'subnetworks':"
	"[{'generate':3,'network':'prod','region':'us-east1'}]}},"
	"'service_account':" SCOPES "cloud-platform'],'expires_in':3599,'uses':1}}";

static const char world_json_file[] =
	"{'files':{'/lists/mine.json':"
	"'{\\\"prefixes\\\":[{\\\"ipv4Prefix\\\":\\\"192.0.2.0/24\\\"}]}'}}";

#define CONNECTOR "{'name':'projects/101/locations/us-east1/connectors/x','network':"
static const char world_connectors[] =
	"{'projects':{'101':{'connectors':[" CONNECTOR "'prod','ipCidrRange':'10.8.0.0/28'},"
	"" CONNECTOR "'other','ipCidrRange':'10.9.0.0/28'}]}}}";
static const char world_shared_connectors[] =
	"{'page_size':1,'nics':[" NIC_HUB "],'projects':{"
	"'101':{'connectors':[" CONNECTOR "'hub','ipCidrRange':'10.8.0.0/28'},"
	"" CONNECTOR "'hub','ipCidrRange':'10.9.0.0/28'}]},"
	"'202':{'connectors':[" CONNECTOR "'hub','ipCidrRange':'10.7.0.0/28'}]}}}";

static const char world_peerings[] =
	"{'projects':{'101':{'networks':{'prod':["
	"{'name':'x','state':'ACTIVE','routes':[{'destRange':'10.60.0.0/16','imported':true},"
	"{'destRange':'0.0.0.0/0','imported':true}]},"
	"{'name':'y','state':'INACTIVE','routes':[{'destRange':'10.61.0.0/16','imported':true}]},"
	"{'name':'z','state':'ACTIVE','routes':[{'destRange':'10.62.0.0/16','imported':true},"
	"{'destRange':'10.63.0.0/16','imported':false}]}]}}}}";
static const char world_no_peerings[] = "{'projects':{'101':{'networks':{'prod':[]}}}}";

/* Several pages of each list. */
static const char world_all_lists[] =
	"{'page_size':1,'nics':[" NIC_A "," NIC_B "],'projects':{'101':{'may_list':true,"
	"'subnetworks':[" SUBNET_A "," SUBNET_B "],'networks':{'a':[{'name':'x','state':'ACTIVE'}],"
	"'b':[]}}}}";

#endif
