"""A diagnostic and routing test harness: will your web app survive its second instance?"""
